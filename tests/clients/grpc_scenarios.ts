/**
 * What the scenarios of `grpc_scenarios.py` show, in their order.
 *
 * @module
 */

/** By the names of the scenarios. */
export const GRPC_SCENARIOS: Readonly<Record<string, string>> = {
  health: "server and models are ready, others are not",
  bytes_identity: "BYTES come back",
  datatypes: "every data type comes back",
  bfloat16: "BF16 comes back",
  large_tensor: "a tensor of 32 MiB comes back",
  chosen_outputs: "version, id and wanted outputs are heeded",
  classification: "classes come with their values",
  request_fields: "id, sequence, time-out and parameters reach the model",
  sequence: "sequences by number, by text and on a stream keep their state",
  stream_order: "100 streamed requests are answered in order",
  decoupled_stream: "a stream carries any number of responses to a request",
  stream_errors: "a stream goes on after errors",
  metadata: "server, model and configuration tell what they are",
  statistics: "statistics count inferences, of one model and of all",
  repository: "models load, load with another configuration, and unload",
  settings: "log and trace settings change, shared memory is empty",
  shared_memory: "tensors lie in the client's shared memory",
  async_infer: "100 inferences with callbacks at once",
  asyncio_client: "the asyncio client runs 50 inferences at once, and a stream",
  compression: "messages are compressed as the client says, on streams too",
  errors: "errors have Triton's status and text",
  restricted: "restricted features want their header",
  tls: "the client checks the server's certificate",
  mutual_tls: "the server checks the client's certificate",
  keepalive: "pings keep a connection alive where they are allowed",
  too_many_pings: "pings end a connection where they are not allowed",
  client_timeout: "a client whose deadline passes cancels the model",
  async_cancel: "a cancelled call cancels the model",
  stream_cancel: "a cancelled stream cancels the model",
  inference_metric: "nv_inference_count goes from 0 to 1",
};
