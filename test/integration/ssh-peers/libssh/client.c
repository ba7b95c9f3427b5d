/* A client made of libssh, as Ansible's libssh transport, KDE's file dialogs and X2Go are: signs in with a key, and then runs a
 * command or makes a symbolic link. */

#include <fcntl.h>
#include <libssh/libssh.h>
#include <libssh/sftp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *step, ssh_session session) {
    fprintf(stderr, "%s: %s\n", step, ssh_get_error(session));
    return 1;
}

static int run(ssh_session session, const char *command) {
    char bytes[4096];
    int length, status;
    ssh_channel channel = ssh_channel_new(session);
    if (channel == NULL || ssh_channel_open_session(channel) != SSH_OK) return fail("channel", session);
    if (ssh_channel_request_exec(channel, command) != SSH_OK) return fail("exec", session);
    while ((length = ssh_channel_read(channel, bytes, sizeof(bytes), 0)) > 0) fwrite(bytes, 1, length, stdout);
    status = ssh_channel_get_exit_status(channel);
    ssh_channel_free(channel);
    return status;
}

static int make_link(ssh_session session, const char *target, const char *path) {
    sftp_session sftp = sftp_new(session);
    if (sftp == NULL || sftp_init(sftp) != SSH_OK) return fail("sftp", session);
    if (sftp_symlink(sftp, target, path) != SSH_OK) return fail("symlink", session);
    sftp_free(sftp);
    return 0;
}

/* client PORT USER KEY KNOWN_HOSTS exec COMMAND | symlink TARGET PATH */
int main(int count, char **words) {
    ssh_session session = ssh_new();
    ssh_key key = NULL;
    int port, result = 2;
    if (session == NULL || count < 7) return 2;
    port = atoi(words[1]);
    ssh_options_set(session, SSH_OPTIONS_HOST, "127.0.0.1");
    ssh_options_set(session, SSH_OPTIONS_PORT, &port);
    ssh_options_set(session, SSH_OPTIONS_USER, words[2]);
    ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, words[4]);
    ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
    if (ssh_connect(session) != SSH_OK) return fail("connect", session);
    if (ssh_session_is_known_server(session) != SSH_KNOWN_HOSTS_OK) return fail("host key", session);
    if (ssh_pki_import_privkey_file(words[3], NULL, NULL, NULL, &key) != SSH_OK) return fail("key", session);
    if (ssh_userauth_publickey(session, NULL, key) != SSH_AUTH_SUCCESS) return fail("sign-in", session);
    if (strcmp(words[5], "exec") == 0) result = run(session, words[6]);
    else if (strcmp(words[5], "symlink") == 0 && count == 8) result = make_link(session, words[6], words[7]);
    ssh_key_free(key);
    ssh_disconnect(session);
    ssh_free(session);
    return result;
}
