/**
 * Paths and what answers them: for the server's own requests without a detour, and as a Hono app that
 * others can mount. Both use Hono's router.
 *
 * @module
 */
import { Hono } from "hono";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";
import { fetchHandler, rawPath } from "../http1/fetch_api.ts";
import type { HttpHandler } from "../http1/message.ts";
import { notFoundReply } from "./replies.ts";

/** A model's path. One pattern for both forms, so that the router can put all routes in one expression. */
export const MODEL = "/v2/models/:model{[^/]+(?:/versions/[0-9]+)?}";

/** Endpoints decide about methods themselves, so routes have none. */
const ANY_METHOD = "ALL";

const MAX_KNOWN = 256;

/** The routes of a front end. Paths are matched as they came, without decoding. */
export class Routes {
  readonly #app = new Hono({ getPath: rawPath });
  readonly #router = new SmartRouter<HttpHandler>({
    routers: [new RegExpRouter(), new TrieRouter()],
  });

  /** The handlers of paths that were asked for. */
  readonly #known = new Map<string, HttpHandler>();

  constructor() {
    const notFound = fetchHandler(notFoundReply);
    this.#app.notFound(({ req }) => notFound(req.raw));
  }

  /** Has requests to the paths of `pattern` answered by `handler`. */
  add(pattern: string, handler: HttpHandler): void {
    const fetch = fetchHandler(handler);
    this.#app.all(pattern, ({ req }) => fetch(req.raw));
    this.#router.add(ANY_METHOD, pattern, handler);
  }

  /** The routes as a Hono app. */
  get app(): Hono {
    return this.#app;
  }

  /** Answers a request by the route of its path. */
  readonly handler: HttpHandler = (request) => {
    const { path } = request;
    let handler = this.#known.get(path);
    if (handler === undefined) {
      const found = this.#router.match(ANY_METHOD, path)[0][0];
      handler = found === undefined ? notFoundReply : found[0] as HttpHandler;
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(path, handler);
    }
    return handler(request);
  };
}
