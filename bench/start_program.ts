/**
 * Starts a server with this package and nothing else, and prints what each part of that took. Started by
 * start.ts with the repository, the library and the backend directory as its arguments.
 *
 * @module
 */
const firstLine = Date.now();
const began = performance.now();
const { Server } = await import("../mod.ts");
const imported = performance.now();

const { default: process } = await import("node:process");
const [modelRepository, library, backendDirectory] = process.argv.slice(2);
const options = { modelRepository, library, backendDirectory, logWarning: false, logError: false };
const starting = performance.now();
const server = await Server.start({ ...options, logInfo: false });
const started = performance.now();
console.log(
  `MEASURED ${
    JSON.stringify({ firstLine, imported: imported - began, started: started - starting })
  }`,
);
await server.stop();
