/**
 * Every route with every method, and paths that are almost routes.
 *
 * @module
 */
import { request } from "../support/wire.ts";
import { get, type ParityCase, wire } from "./parity_case.ts";

const MODEL = "/v2/models/identity_int64";

/** Each answers something, whatever the method: the models of changing requests do not exist. */
const ROUTES = [
  ...["/v2", "/v2/health/live", "/v2/health/ready", "/v2/logging", "/v2/trace/setting"],
  ...[MODEL, `${MODEL}/versions/1`, `${MODEL}/ready`, `${MODEL}/versions/1/ready`],
  ...[`${MODEL}/config`, `${MODEL}/versions/1/config`, `${MODEL}/trace/setting`],
  ...[`${MODEL}/infer`, `${MODEL}/generate`, `${MODEL}/generate_stream`],
  ...["/v2/models/nope/infer", "/v2/models/nope/generate", "/v2/models/repeat/infer"],
  ...[
    "/v2/models/nope",
    "/v2/models/nope/ready",
    "/v2/models/nope/config",
    "/v2/models/nope/stats",
  ],
  ...["/v2/repository/index", "/v2/repository/some/index", "/v2/repository/models/nope/load"],
  ...["/v2/repository/models/nope/unload", "/v2/repository/some/models/nope/load"],
  ...["/v2/repository/some/models/nope/unload"],
  ...["system", "cuda"].flatMap((kind) =>
    ["", "/region/r"].flatMap((region) =>
      ["status", "register", "unregister"].map((end) => `/v2/${kind}sharedmemory${region}/${end}`)
    )
  ),
  ...["/", "/v2/nothing", "/metrics"],
];
const METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "FOO"];

/** Every route with every method. */
export const ROUTE_CASES: readonly ParityCase[] = [
  ...ROUTES.flatMap((target) => [
    ...METHODS.map((method): ParityCase => ({
      name: `${method} ${target}`,
      parts: [request({ method, target })],
    })),
    {
      name: `HEAD ${target}`,
      parts: [request({ method: "HEAD", target, headers: [["Connection", "close"]] })],
      options: { untilClose: true, bodiless: true },
    },
  ]),
  { ...get("/v2/models/stats"), structureOnly: true },
  { ...get(`${MODEL}/stats`), structureOnly: true },
  { ...get(`${MODEL}/versions/1/stats`), structureOnly: true },
];

const PATHS = [
  ...[
    "/v2/",
    "//v2",
    "/v2//health/live",
    "/v2/health/live/",
    "/v2/health//live",
    "/V2",
    "/v2/Health/live",
  ],
  ...["/v2/.", "/v2/..", "/v2/../v2", "/./v2", "/v2/health/./live", "/v2/health/../health/live"],
  ...[
    "/v2/%2e%2e/v2",
    "/v2/%2E/health/live",
    "/%76%32",
    "/v2%2fhealth%2flive",
    "/v2/health%2Flive",
  ],
  ...["/v2?", "/v2?a=b", "/v2?a=/b?c", "/v2/health/live?x#y", "/v2#", "/v2#a", "/v2/health/live#a"],
  ...["/v2/models", "/v2/models/", "/v2/models//", "/v2/models//ready", "/v2/models/add_sub/"],
  ...[
    "/v2/models/add%5Fsub",
    "/v2/models/add%20sub",
    "/v2/models/add+sub",
    "/v2/models/add_sub%00",
  ],
  ...["/v2/models/%", "/v2/models/%zz", "/v2/models/a%2Fb", '/v2/models/a"b', "/v2/models/a\\b"],
  ...["/v2/models/<a>", "/v2/models/{a}", "/v2/models/a|b", "/v2/models/a^b", "/v2/models/a`b"],
  ...[
    "/v2/models/.",
    "/v2/models/..",
    "/v2/models/...",
    "/v2/models/../ready",
    "/v2/models/./ready",
  ],
  ...["/v2/models/a:b", "/v2/models/a;b", "/v2/models/a,b", "/v2/models/a@b", "/v2/models/*"],
  ...[
    "/v2/models/ready",
    "/v2/models/ready/ready",
    "/v2/models/versions",
    "/v2/models/stats/ready",
  ],
  ...[
    "/v2/models/versions/versions/1",
    "/v2/models/add_sub/versions",
    "/v2/models/add_sub/versions/",
  ],
  ...["0", "1", "2", "3", "01", "003", "-1", "+1", "1.0", "x", "1x", "%31", "1e0", " "].map((
    version,
  ) => `/v2/models/add_sub/versions/${version.trim()}`),
  ...["9223372036854775807", "9223372036854775808", "99999999999999999999", "0".repeat(40)].flatMap(
    (version) =>
      ["", "/ready", "/config", "/stats"].map((end) =>
        `/v2/models/add_sub/versions/${version}${end}`
      ),
  ),
  ...["/versions/1/ready/", "/versions/1/x", "/versions/1/trace/setting", "/versions//ready"].map((
    end,
  ) => `/v2/models/add_sub${end}`),
  ...["/READY", "/ready/x", "/infer/x", "/trace", "/trace/setting/x", "/load"].map((end) =>
    `/v2/models/add_sub${end}`
  ),
  ...["/v2/repository", "/v2/repository/", "/v2/repository//index", "/v2/repository/a/b/index"],
  ...[
    "/v2/repository/models/index",
    "/v2/repository/models/nope/index",
    "/v2/repository/models/load",
  ],
  ...["/v2/systemsharedmemory", "/v2/systemsharedmemory/region/status", "/v2/sharedmemory/status"],
  ...["/v2/systemsharedmemory/region//status", "/v2/systemsharedmemory/region/a/b/status"],
  ...[
    "http://localhost/v2",
    "http://other:1/v2/health/live",
    "http://localhost",
    "http:///v2",
  ],
  ...["https://localhost/v2?x=y", "HTTP://localhost/v2"],
];

/** Paths that are almost routes, and ones that a client may write otherwise. */
export const PATH_CASES: readonly ParityCase[] = [
  ...PATHS.map((target) => get(target)),
  wire("GET an unescaped path", "GET /v2/models/é HTTP/1.1\r\nHost: a\r\n\r\n"),
];
