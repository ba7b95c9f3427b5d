// The fingerprint of an SSH public key, by the browser's own SHA-256.

/** @param line `type base64 [comment]` @returns `SHA256:…`, as `ssh-keygen -l` prints it */
export async function fingerprintOf(line: string): Promise<string> {
  const blob = Uint8Array.from(atob(line.split(" ")[1] ?? ""), (character) => character.charCodeAt(0));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", blob));
  return `SHA256:${btoa(String.fromCharCode(...digest)).replace(/=+$/, "")}`;
}
