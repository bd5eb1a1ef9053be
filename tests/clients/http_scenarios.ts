/**
 * What the scenarios of `http_scenarios.py` show, in their order.
 *
 * @module
 */

/** By the names of the scenarios. */
export const HTTP_SCENARIOS: Readonly<Record<string, string>> = {
  health: "server and models are ready, unknown ones are not",
  bytes_identity: "BYTES come back as binary data and as JSON",
  datatypes_binary: "every data type comes back as binary data",
  datatypes_json: "every data type that has a JSON form comes back as JSON",
  bfloat16: "BF16 comes back as binary data and is refused as JSON",
  large_tensor: "a tensor of 32 MiB comes back",
  chosen_outputs: "version, id and wanted outputs are heeded",
  classification: "classes come with their values",
  request_fields: "id, sequence, time-out and parameters reach the model",
  sequence: "sequences by number and by text keep their state",
  generate: "generate answers with one JSON object",
  generate_stream: "generate_stream sends the responses of a decoupled model as events",
  curl: "curl gets what generate answers, and the events of a stream",
  metadata: "server, model and configuration tell what they are",
  statistics: "statistics count inferences, of one model and of all",
  repository: "models load, load with another configuration, and unload",
  file_override: "a model loads from files that the client sends",
  priority: "priorities reach the queue, which refuses what it has no room for",
  settings: "log and trace settings change, shared memory is empty",
  shared_memory: "tensors lie in the client's shared memory",
  async_infer: "100 asynchronous inferences over 8 connections come back in order",
  asyncio_client: "the asyncio client runs 50 inferences at once",
  compression: "requests and responses are compressed as the client says",
  errors: "errors have Triton's status and text",
  restricted: "restricted features want their header",
  client_timeout: "a client that gives up cancels the model",
  inference_metric: "nv_inference_count goes from 0 to 1",
};
