/**
 * Requests that change what comes after them: sequences, repository control, trace and log settings,
 * statistics. Their order counts.
 *
 * @module
 */
import { get, type ParityCase, post } from "./parity_case.ts";

function sequence(name: string, value: number, parameters: string): ParityCase {
  const input = `{"name":"INPUT","datatype":"INT32","shape":[1,1],"data":[${value}]}`;
  const body = `{"parameters":{${parameters}},"inputs":[${input}]}`;
  return post(`sequence: ${name}`, "/v2/models/accumulate/infer", body);
}

/** Sequences by number and by text, and without a start. */
export const SEQUENCE_CASES: readonly ParityCase[] = [
  sequence("no id", 1, '"sequence_start":true'),
  sequence("id 0", 1, '"sequence_id":0,"sequence_start":true'),
  sequence("not started", 1, '"sequence_id":5'),
  ...["7", '"seven"', "18446744073709551615", `"${"x".repeat(128)}"`].flatMap((id) => [
    sequence(`${id.slice(0, 20)} starts`, 1, `"sequence_id":${id},"sequence_start":true`),
    sequence(`${id.slice(0, 20)} goes on`, 10, `"sequence_id":${id}`),
    sequence(`${id.slice(0, 20)} ends`, 100, `"sequence_id":${id},"sequence_end":true`),
    sequence(`${id.slice(0, 20)} is over`, 5, `"sequence_id":${id}`),
  ]),
  sequence("all at once", 3, '"sequence_id":9,"sequence_start":true,"sequence_end":true'),
  sequence("id too long", 1, `"sequence_id":"${"x".repeat(129)}","sequence_start":true`),
];

function setting(target: string, bodies: readonly string[]): ParityCase[] {
  return bodies.map((body) => post(`${target} ${body}`, target, body));
}

const GLOBAL = "/v2/trace/setting";
const MODEL = "/v2/models/add_sub/trace/setting";

/** Trace settings of the server and of a model that follows them. */
export const TRACE_CASES: readonly ParityCase[] = [
  get(GLOBAL),
  get(MODEL),
  get("/v2/models/nope/trace/setting"),
  ...setting(GLOBAL, [
    '{"trace_rate":"2000"}',
    '{"trace_count":"50","log_frequency":"7"}',
  ]),
  get(MODEL),
  ...setting(MODEL, ['{"trace_rate":"300"}', '{"trace_count":"-1"}']),
  ...setting(GLOBAL, ['{"trace_rate":"4000"}', '{"log_frequency":"8"}']),
  get(MODEL),
  ...setting(MODEL, [
    '{"trace_rate":null}',
    '{"trace_count":null}',
    "{}",
    '{"trace_level":["OFF"]}',
  ]),
  ...setting(GLOBAL, ['{"trace_level":["TIMESTAMPS"],"trace_rate":"1000000"}']),
  get(MODEL),
  ...setting(MODEL, ['{"trace_level":null}', '{"trace_level":["TENSORS"]}']),
  ...setting(GLOBAL, [
    ...[
      '{"trace_level":["TENSORS","TIMESTAMPS"]}',
      '{"trace_level":["FOO"]}',
      '{"trace_level":["MAX"]}',
    ],
    ...['{"trace_level":["FOO","TENSORS"]}', '{"trace_level":[]}', '{"trace_level":"OFF"}'],
    ...[
      '{"trace_level":[1]}',
      '{"trace_level":["OFF","TENSORS"]}',
      '{"trace_level":["OFF","OFF"]}',
    ],
    ...[
      '{"trace_level":["timestamps"]}',
      '{"trace_level":{}}',
      '{"trace_file":"x"}',
      '{"trace_file":null}',
    ],
    ...['{"trace_rate":1}', '{"trace_rate":"0"}', '{"trace_rate":""}', '{"trace_rate":"x"}'],
    ...[
      '{"trace_rate":" 12abc"}',
      '{"trace_rate":"+13"}',
      '{"trace_rate":"-1"}',
      '{"trace_rate":"1e3"}',
    ],
    ...[
      '{"trace_rate":"2147483647"}',
      '{"trace_rate":"2147483648"}',
      '{"trace_rate":"4294967295"}',
    ],
    ...['{"trace_rate":"-2147483648"}', '{"trace_rate":"-2147483649"}', '{"trace_rate":[]}'],
    ...[
      '{"trace_count":"-2"}',
      '{"trace_count":"-1"}',
      '{"trace_count":"0"}',
      '{"trace_count":"2147483648"}',
    ],
    ...[
      '{"trace_count":5}',
      '{"trace_count":"x"}',
      '{"log_frequency":"-1"}',
      '{"log_frequency":"x"}',
    ],
    ...['{"log_frequency":"4294967296"}', '{"log_frequency":0}', '{"log_frequency":"0"}'],
    ...[
      '{"trace_rate":"77","trace_count":"x"}',
      '{"trace_rate":"78","trace_level":["OFF","TENSORS"]}',
    ],
    ...['{"unknown":1}', '{"trace_mode":"opentelemetry"}'],
  ]),
  get(MODEL),
  ...setting(MODEL, [
    '{"trace_level":null,"trace_rate":null,"trace_count":null,"log_frequency":null}',
  ]),
  ...setting("/v2/models/nope/trace/setting", ["{}", "{", '{"trace_rate":"1"}']),
  ...setting(GLOBAL, [
    '{"trace_level":null,"trace_rate":null,"trace_count":null,"log_frequency":null}',
  ]),
  get(MODEL),
];

/** Log settings; they end as they began, since they belong to the process. */
export const LOG_CASES: readonly ParityCase[] = [
  get("/v2/logging"),
  ...setting("/v2/logging", [
    ...['{"log_verbose_level":1}', '{"log_verbose_level":0}', '{"log_verbose_level":-1}'],
    ...[
      '{"log_verbose_level":"1"}',
      '{"log_verbose_level":1.0}',
      '{"log_verbose_level":4294967296}',
    ],
    ...[
      '{"log_verbose_level":null}',
      '{"log_verbose_level":0}',
      '{"log_info":1}',
      '{"log_info":"true"}',
    ],
    ...[
      '{"log_info":null}',
      '{"log_warning":0}',
      '{"log_error":[]}',
      '{"log_warning":false,"log_error":1}',
    ],
    ...['{"log_info":false,"log_warning":false,"log_error":false}', '{"log_format":"ISO8601"}'],
    ...[
      '{"log_format":"iso8601"}',
      '{"log_format":""}',
      '{"log_format":1}',
      '{"log_format":"default"}',
    ],
    ...[
      '{"log_format":null}',
      '{"log_file":"/x"}',
      '{"log_file":null}',
      '{"log_file":1}',
      '{"unknown":1}',
    ],
    ...['{"log_warning":false,"log_verbose_level":-1}', '{"log_file":"x","log_info":true}'],
  ]),
  get("/v2/logging"),
];

const CONFIG = JSON.stringify({
  ...{ name: "uploaded", backend: "python", max_batch_size: 4 },
  input: [{ name: "INPUT0", data_type: "TYPE_BOOL", dims: [-1] }],
  output: [{ name: "OUTPUT0", data_type: "TYPE_BOOL", dims: [-1] }],
  instance_group: [{ kind: "KIND_CPU", count: 1 }],
});
const FILE = btoa(`import triton_python_backend_utils as pb_utils
class TritonPythonModel:
    def execute(self, requests):
        inputs = [pb_utils.get_input_tensor_by_name(r, "INPUT0").as_numpy() for r in requests]
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUTPUT0", ~x)]) for x in inputs]
`);

function load(name: string, model: string, parameters?: object): ParityCase {
  const body = parameters === undefined ? "" : JSON.stringify({ parameters });
  return post(`repository: ${name}`, `/v2/repository/models/${model}/load`, body);
}

function unload(model: string, body = ""): ParityCase {
  return post(`repository: unload ${model} ${body}`, `/v2/repository/models/${model}/unload`, body);
}

const BOOLEANS =
  '{"inputs":[{"name":"INPUT0","datatype":"BOOL","shape":[1,2],"data":[true,false]}]}';

/** Loading and unloading; at the end the server is not ready, as a model has failed. */
export const REPOSITORY_CASES: readonly ParityCase[] = [
  post("repository: index", "/v2/repository/index"),
  ...[
    '{"ready":true}',
    '{"ready":false}',
    "{}",
    '{"ready":null}',
    '{"ready":"x"}',
    '{"ready":1}',
    '{"x":1}',
  ].map(
    (body) => post(`repository: index ${body}`, "/v2/repository/index", body),
  ),
  load("load again", "identity_bool"),
  load("load what does not exist", "nope"),
  ...[
    '{"parameters":1}',
    '{"parameters":null}',
    '{"parameters":[]}',
    '{"parameters":{}}',
    '{"x":1}',
  ].map(
    (body) =>
      post(`repository: load with ${body}`, "/v2/repository/models/identity_bool/load", body),
  ),
  load("unknown parameter", "identity_bool", { x: "y" }),
  load("config no text", "identity_bool", { config: 5 }),
  load("config no JSON", "identity_bool", { config: "{" }),
  load("config empty", "identity_bool", { config: "" }),
  load("file no text", "identity_bool", { config: "{}", "file:1/model.py": 5 }),
  load("file without config", "uploaded", { "file:1/model.py": FILE }),
  load("config and file", "uploaded", { config: CONFIG, "file:7/model.py": FILE }),
  get("/v2/models/uploaded"),
  get("/v2/models/uploaded/config"),
  get("/v2/models/uploaded/ready"),
  get("/v2/models/uploaded/versions/1/ready"),
  get("/v2/models/uploaded/versions/7/ready"),
  post("repository: uploaded infers", "/v2/models/uploaded/infer", BOOLEANS),
  unload("uploaded"),
  unload("nope"),
  unload("nope", '{"parameters":{"unload_dependents":true}}'),
  unload("nope", '{"parameters":{"unload_dependents":"x"}}'),
  unload("nope", '{"parameters":1}'),
  unload("nope", '{"parameters":{"x":1}}'),
  unload("nope", '{"parameters":{}}'),
  load("config override", "identity_bool", {
    config: CONFIG.replace("uploaded", "identity_bool"),
  }),
  get("/v2/models/identity_bool/config"),
  post("repository: overridden infers", "/v2/models/identity_bool/infer", BOOLEANS),
  load("load without config", "identity_bool"),
  get("/v2/models/identity_bool"),
  unload("identity_fp32_b"),
  unload("identity_fp32", '{"parameters":{"unload_dependents":true}}'),
  get("/v2/models/ens/ready"),
  load("an ensemble loads its parts", "ens"),
  get("/v2/models/identity_fp32/ready"),
  load("a model that fails", "broken"),
  get("/v2/health/ready"),
  get("/v2/health/live"),
  get("/v2/models/broken/ready"),
  get("/v2/models/broken"),
  { ...get("/v2/models/add_sub/stats"), structureOnly: true },
  { ...get("/v2/models/add_sub/versions/3/stats"), structureOnly: true },
  get("/v2/models/broken/stats"),
];
