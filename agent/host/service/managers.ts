// The names of the programs that can keep a host running, apart from their code: every start of `sallyport host` reads the options.

export const MANAGERS = ["systemd", "openrc", "launchd"] as const;
