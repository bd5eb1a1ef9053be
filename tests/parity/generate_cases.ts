/**
 * generate and generate_stream: how members become tensors and parameters, and what comes back.
 *
 * @module
 */
import { type ParityCase, post } from "./parity_case.ts";

function both(model: string, body: string): ParityCase[] {
  return ["generate", "generate_stream"].map((end) =>
    post(`${end} by ${model}: ${body}`, `/v2/models/${model}/${end}`, body)
  );
}

const LLM = [
  ...[
    '{"text_input":"hi"}',
    '{"text_input":["hi"]}',
    '{"text_input":["a","b"]}',
    '{"text_input":""}',
  ],
  ...['{"text_input":[]}', '{"text_input":5}', '{"text_input":null}', '{"text_input":{}}', "{}"],
  ...[
    '{"text_input":[["a"]]}',
    '{"text_input":"a","text_input":"b"}',
    '{"text_input":"a\\nb\\u0000"}',
  ],
  ...['{"text_input":"x","n":"3"}', '{"text_input":"x","n":[1]}', '{"text_input":"x","n":[3,4]}'],
  ...['{"text_input":"x","n":1.5}', '{"text_input":"x","n":true}', '{"text_input":"x","n":[]}'],
  ...[
    '{"text_input":"x","ids":[1,2]}',
    '{"text_input":"x","ids":[1,2,3]}',
    '{"text_input":"x","ids":7}',
  ],
  ...['{"text_input":"x","ids":[]}', '{"text_input":"x","ids":[[1,2],[3,4]]}'],
  ...['{"text_input":"x","id":"7"}', '{"text_input":"x","id":5}', '{"text_input":"x","id":""}'],
  ...['{"text_input":"x","parameters":{"vec":true}}', '{"text_input":"x","parameters":1}'],
  ...['{"parameters":{"text_input":"x","vec":true}}', '{"text_input":"x","parameters":null}'],
  ...['{"text_input":"x","parameters":{"parameters":{"vec":true}}}', '{"text_input":"x","p":[1]}'],
  ...[
    '{"text_input":"x","parameters":{"p":[1]}}',
    '{"text_input":"x","p":{}}',
    '{"text_input":"x","p":null}',
  ],
  ...['{"text_input":"x","parameters":{"n":"x"}}', '{"text_input":"x","empty":true}'],
  ...[
    '{"text_input":"x","fail_last":true}',
    '{"text_input":"x","n":2}',
    '{"text_input":"x","n":0}',
  ],
  ...['{"text_input":"x","n":3,"id":"q","vec":true}', '{"text_input":"x","n":2,"fail_last":true}'],
  ...[
    '{"text_input":"x","triton_x":1,"priority":9,"sequence_id":"s"}',
    '{"text_input":"é\\ud83d\\ude00"}',
  ],
];

const OTHERS: readonly (readonly [string, string])[] = [
  ["add_sub", '{"INPUT0":[1,2,3,4],"INPUT1":[1,1,1,1]}'],
  ["add_sub", '{"INPUT0":[1,2,3,4,5,6,7,8],"INPUT1":[1,1,1,1,1,1,1,1]}'],
  ["add_sub", '{"INPUT0":[1,2,3],"INPUT1":[1,1,1,1]}'],
  ["add_sub", '{"INPUT0":[1,2,3,4],"INPUT1":[1,1,1,1,1,1,1,1]}'],
  ["add_sub", '{"INPUT0":[1,2,3,4]}'],
  ["add_sub", '{"INPUT0":1,"INPUT1":1}'],
  ["identity_fp32_2d", '{"INPUT0":[1,2,3]}'],
  ["identity_fp32_2d", '{"INPUT0":1}'],
  ["identity_fp32", '{"INPUT0":[NaN,Inf,-Inf,-0.0]}'],
  ["identity_fp16", '{"INPUT0":[1]}'],
  ["bf16_pass", '{"X":[1]}'],
  ["identity_int64", '{"INPUT0":[9223372036854775807,-9223372036854775808]}'],
  ["identity_bool", '{"INPUT0":[true,false]}'],
  ["identity_bool", '{"INPUT0":1}'],
  ["identity_bytes1", '{"INPUT0":["a","b"]}'],
  [
    "params",
    '{"INPUT0":1,"sequence_id":5,"priority":1,"timeout":9,"id":"z","triton_foo":1,"d":0.5}',
  ],
  ["params", '{"INPUT0":1,"i":9223372036854775808,"b":false,"s":"a\\u0000b"}'],
  ["params", '{"INPUT0":1,"a":1,"a":2}'],
  ["repeat", '{"IN":[1,2,3]}'],
  ["repeat", '{"IN":[]}'],
  ["repeat", '{"IN":7}'],
  ["classify", '{"INPUT0":[1,2,3,4]}'],
  ["fail", '{"CODE":"INTERNAL"}'],
  ["fail", '{"CODE":"NOT_FOUND"}'],
  ["fail", '{"CODE":"UNAVAILABLE"}'],
  ["fail", '{"CODE":"INVALID_ARG"}'],
  ["fail", '{"CODE":"EMPTY"}'],
  ["nope", "{}"],
  ["add_sub/versions/1", '{"INPUT0":[1,2,3,4],"INPUT1":[1,1,1,1]}'],
  ["add_sub/versions/2", '{"INPUT0":[1,2,3,4],"INPUT1":[1,1,1,1]}'],
];

/** On a model that makes one response, on one that makes any number, and on others. */
export const GENERATE_CASES: readonly ParityCase[] = [
  ...["llm", "llm_dec"].flatMap((model) => LLM.flatMap((body) => both(model, body))),
  ...OTHERS.flatMap(([model, body]) => both(model, body)),
  ...["gzip", "identity", "", "br"].map((encoding) =>
    post(`generate, marked "${encoding}"`, "/v2/models/llm/generate", '{"text_input":"x"}', [
      ["Content-Encoding", encoding],
    ])
  ),
  post("generate accepts gzip", "/v2/models/llm/generate", '{"text_input":"x"}', [
    ["Accept-Encoding", "gzip"],
  ]),
];
