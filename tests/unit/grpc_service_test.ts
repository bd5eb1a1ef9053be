/**
 * The methods that are not inferences: conversions and texts.
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  LogSettingsRequestSchema,
  type LogSettingsResponse,
  RepositoryIndexRequestSchema,
  RepositoryModelLoadRequestSchema,
  RepositoryModelUnloadRequestSchema,
  TraceSettingRequestSchema,
  type TraceSettingResponse,
} from "../../proto/gen/grpc_service_pb.ts";
import { ModelConfigSchema } from "../../proto/gen/model_config_pb.ts";
import { messageFromCore, parseExact } from "../../src/grpc/core_json.ts";
import { applyLogSettings } from "../../src/grpc/log_settings.ts";
import { loadModel, repositoryIndex, unloadModel } from "../../src/grpc/repository.ts";
import { applyTraceSettings } from "../../src/grpc/trace_settings.ts";
import { TraceSettings } from "../../src/kserve/trace_settings.ts";
import { FakeGrpcEngine } from "../support/fake_grpc_engine.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("parseExact()", () => {
  it("keeps long integers as texts, outside of strings only", () => {
    const json =
      '{"a":18446744073709551615,"b":-9223372036854775808,"c":"1234567890123456789","d":1.5,' +
      '"e":12,"f":"\\"1234567890123456789","g":1e300}';
    assert.deepEqual(parseExact(bytes(json)), {
      a: "18446744073709551615",
      b: "-9223372036854775808",
      c: "1234567890123456789",
      d: 1.5,
      e: 12,
      f: '"1234567890123456789',
      g: 1e300,
    });
  });
});

describe("messageFromCore()", () => {
  it("reads proto names, enumerations and 64-bit numbers, and skips unknown fields", () => {
    const json =
      '{"name":"m","max_batch_size":8,"new_field":{"x":1},"input":[{"name":"A","data_type":' +
      '"TYPE_INT32","dims":[-1,9007199254740993]}],"dynamic_batching":{"priority_levels":' +
      "18446744073709551615}}";
    const config = messageFromCore(ModelConfigSchema, bytes(json));
    assert.deepEqual(config.input[0].dims, [-1n, 9007199254740993n]);
    assert.equal(config.schedulingChoice.case, "dynamicBatching");
    const { value } = config.schedulingChoice;
    assert.ok(value?.$typeName === "inference.ModelDynamicBatching");
    assert.equal(value.priorityLevels, 18446744073709551615n);
  });

  it("refuses what does not fit with INTERNAL", () => {
    assert.throws(() => messageFromCore(ModelConfigSchema, bytes('{"name":5}')), {
      code: "INTERNAL",
    });
  });
});

describe("LogSettings", () => {
  type Value = { case: "boolParam"; value: boolean } | { case: "uint32Param"; value: number } | {
    case: "stringParam";
    value: string;
  };
  const apply = (engine: FakeGrpcEngine, settings: Record<string, Value>): LogSettingsResponse =>
    applyLogSettings(
      engine,
      create(LogSettingsRequestSchema, {
        settings: Object.fromEntries(
          Object.entries(settings).map(([key, parameterChoice]) => [key, { parameterChoice }]),
        ),
      }),
    );

  it("changes what is named and answers with everything", () => {
    const engine = new FakeGrpcEngine();
    const { settings } = apply(engine, {
      log_info: { case: "boolParam", value: false },
      log_verbose_level: { case: "uint32Param", value: 2 },
      log_format: { case: "stringParam", value: "ISO8601" },
      unknown: { case: "boolParam", value: true },
    });
    assert.deepEqual(
      Object.entries(settings).map(([key, { parameterChoice }]) => [key, parameterChoice.value]),
      [
        ["log_file", ""],
        ["log_info", false],
        ["log_warning", true],
        ["log_error", true],
        ["log_verbose_level", 2],
        ["log_format", "ISO8601"],
      ],
    );
  });

  it("takes a negative level for 0", () => {
    const engine = new FakeGrpcEngine();
    apply(engine, { log_verbose_level: { case: "uint32Param", value: 4294967295 } });
    assert.equal(engine.log.verboseLevel, 0);
  });

  it("refuses with Triton's texts, after applying what came before", () => {
    const engine = new FakeGrpcEngine();
    const flag: Value = { case: "boolParam", value: false };
    const refuses = (settings: Record<string, Value>, message: string, code = "INVALID_ARG") =>
      assert.throws(() => apply(engine, settings), { code, message });
    refuses(
      { log_file: { case: "stringParam", value: "x" } },
      "log file location can not be updated through network protocol",
      "UNSUPPORTED",
    );
    refuses(
      { log_info: { case: "uint32Param", value: 1 } },
      "expect boolean for 'log_info'",
    );
    refuses({ log_verbose_level: flag }, "expect int32 for 'log_verbose_level'");
    refuses({ log_format: flag }, "expect string for 'log_format'");
    refuses(
      { log_info: flag, log_format: { case: "stringParam", value: "xml" } },
      "invalid argument for log_format, got: xml",
    );
    assert.equal(engine.log.info, false);
  });
});

describe("TraceSetting", () => {
  const apply = (
    settings: Record<string, string[]>,
    modelName = "",
    state = new TraceSettings({ file: "t.json" }),
  ): TraceSettingResponse => {
    const engine = new FakeGrpcEngine();
    engine.models.set("m", () => {});
    const entries = Object.entries(settings).map(([key, value]) => [key, { value }]);
    const request = { modelName, settings: Object.fromEntries(entries) };
    return applyTraceSettings(engine, state, create(TraceSettingRequestSchema, request));
  };
  const values = ({ settings }: TraceSettingResponse) =>
    Object.fromEntries(Object.entries(settings).map(([key, { value }]) => [key, value]));

  it("changes the setting of a model, which follows the server's otherwise", () => {
    const state = new TraceSettings({ file: "t.json" });
    const own = apply({ trace_level: ["TENSORS"], trace_rate: ["7"] }, "m", state);
    assert.deepEqual(values(own), {
      trace_level: ["TENSORS"],
      trace_rate: ["7"],
      trace_count: ["-1"],
      log_frequency: ["0"],
      trace_file: ["t.json"],
      trace_mode: ["triton"],
    });
    assert.deepEqual(values(apply({}, "", state)).trace_rate, ["1000"]);
    assert.deepEqual(values(apply({ trace_rate: [] }, "m", state)).trace_rate, ["1000"]);
  });

  it("refuses with Triton's texts", () => {
    const refuses = (settings: Record<string, string[]>, message: string, model = "") =>
      assert.throws(() => apply(settings, model), { code: "INVALID_ARG", message });
    refuses(
      { trace_level: ["OFF", "TENSORS"] },
      "Expect only one trace level 'OFF' is specified",
    );
    refuses({ trace_rate: ["x"] }, "Unable to parse 'trace_rate', got: x");
    refuses({ trace_rate: ["1", "2"] }, "expect only 1 value for 'trace_rate'");
    refuses(
      { trace_rate: ["99999999999"] },
      "Unable to parse 'trace_rate', value is out of range [ 0, 4294967295 ], got: 99999999999",
    );
    refuses(
      { trace_count: ["-2"] },
      "Unable to parse 'trace_count'. Expecting value >= -1, got: -2",
    );
    refuses({}, "Request for unknown model : nope", "nope");
    assert.throws(() => apply({ trace_file: ["x"] }), {
      code: "UNSUPPORTED",
      message: "trace file location can not be updated through network protocol",
    });
  });
});

describe("the model repository", () => {
  it("lists models", async () => {
    const engine = new FakeGrpcEngine();
    engine.json.repositoryIndex = [{ name: "a" }, { name: "b", version: "1", state: "READY" }];
    const request = create(RepositoryIndexRequestSchema);
    const { models } = await repositoryIndex(engine, request);
    assert.deepEqual(
      models.map(({ name, version, state, reason }) => [name, version, state, reason]),
      [
        ["a", "", "", ""],
        ["b", "1", "READY", ""],
      ],
    );
    await assert.rejects(
      repositoryIndex(engine, create(RepositoryIndexRequestSchema, { repositoryName: "x" })),
      { code: "UNSUPPORTED", message: "'repository_name' specification is not supported" },
    );
  });

  it("loads with a configuration and files", async () => {
    const engine = new FakeGrpcEngine();
    const file = Uint8Array.of(1);
    await loadModel(
      engine,
      create(RepositoryModelLoadRequestSchema, {
        modelName: "m",
        parameters: {
          config: { parameterChoice: { case: "stringParam", value: "{}" } },
          "file:1/a": { parameterChoice: { case: "bytesParam", value: file } },
        },
      }),
    );
    assert.deepEqual(engine.loads.map(([name, parameters]) => [name, [...parameters ?? []]]), [
      ["m", [["config", "{}"], ["file:1/a", file]]],
    ]);
  });

  it("refuses loads with Triton's texts", async () => {
    const text = { parameterChoice: { case: "stringParam", value: "x" } } as const;
    const flag = { parameterChoice: { case: "boolParam", value: true } } as const;
    const refuses = (
      modelName: string,
      parameters: Record<string, typeof text | typeof flag>,
      message: string,
    ) =>
      assert.rejects(
        loadModel(
          new FakeGrpcEngine(),
          create(RepositoryModelLoadRequestSchema, { modelName, parameters }),
        ),
        { code: "INVALID_ARG", message },
      );
    await refuses(
      "m",
      { config: flag },
      "invalid value type for load parameter 'config', expected string_param.",
    );
    await refuses(
      "m",
      { "file:x": text },
      "invalid value type for load parameter 'file:x', expected bytes_param.",
    );
    await refuses("m", { foo: text }, "unrecognized load parameter 'foo'.");
  });

  it("unloads, with dependents or without", async () => {
    const engine = new FakeGrpcEngine();
    const unload = (parameters = {}) =>
      unloadModel(
        engine,
        create(RepositoryModelUnloadRequestSchema, { modelName: "m", parameters }),
      );
    await unload();
    await unload({
      unload_dependents: { parameterChoice: { case: "boolParam", value: true } },
      other: { parameterChoice: { case: "int64Param", value: 1n } },
    });
    assert.deepEqual(engine.unloads, [["m", false], ["m", true]]);
    await assert.rejects(
      unload({ unload_dependents: { parameterChoice: { case: "int64Param", value: 1n } } }),
      {
        code: "INVALID_ARG",
        message: "invalid value type for 'unload_dependents' parameter, expected bool_param.",
      },
    );
  });
});
