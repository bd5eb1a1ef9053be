/**
 * Deno's permissions for sockets that Deno itself does not open. A program that may call foreign
 * functions could do without them; who gave it no network shall still not find it on one.
 *
 * @module
 */
import type { ListenAddress } from "./connection.ts";

/**
 * Asks Deno whether the program may listen there; does nothing on Bun.
 *
 * @throws {Deno.errors.NotCapable} when it may not.
 */
export function requireListenPermission(address: ListenAddress): void {
  if (!("Deno" in globalThis)) return;
  if ("path" in address) {
    for (const name of ["read", "write"] as const) {
      require({ name, path: address.path }, `--allow-${name}=${address.path}`);
    }
    return;
  }
  const plain = plainHost(address.hostname);
  const host = `${plain.includes(":") ? `[${plain}]` : plain}:${address.port}`;
  require({ name: "net", host }, `--allow-net=${host}`);
}

/** A host without `ipv4:` or `ipv6:` in front, which libevhtp knows, and without the brackets of IPv6. */
export function plainHost(hostname: string): string {
  return hostname.replace(/^ipv[46]:/, "").replace(/^\[(.*)\]$/, "$1");
}

function require(permission: Deno.PermissionDescriptor, flag: string): void {
  let { state } = Deno.permissions.querySync(permission);
  if (state === "prompt") state = Deno.permissions.requestSync(permission).state;
  if (state !== "granted") {
    throw new Deno.errors.NotCapable(`Cannot listen: run again with the ${flag} flag`);
  }
}
