/**
 * Certificates for tests of TLS.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Makes an authority, and certificates from it for `names`, as files in `folder`: `ca.crt`, and for each
 * name a `.crt` and a `.key`.
 */
export function makeCertificates(folder: string, names: readonly string[]): void {
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const subject = (name: string) => ["-subj", `/CN=${name}`];
  const key = (name: string) => ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`];
  openssl("req", "-x509", ...key("ca"), "-out", "ca.crt", "-days", "2", ...subject("authority"));
  writeFileSync(join(folder, "names"), "subjectAltName=IP:127.0.0.1");
  for (const name of names) {
    openssl("req", ...key(name), "-out", `${name}.csr`, ...subject(name));
    const authority = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
    const output = ["-out", `${name}.crt`, "-days", "2", "-extfile", "names"];
    openssl("x509", "-req", "-in", `${name}.csr`, ...authority, ...output);
  }
}
