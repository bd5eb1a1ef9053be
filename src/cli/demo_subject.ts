/**
 * What `demo` serves and asks: a model that reads the text in a picture, or one that adds and subtracts.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { DEMO_PACKAGES } from "../setup/demo_packages.ts";
import type { SetUpOptions } from "../setup/setup.ts";
import { Tensor } from "../tensor.ts";
import { DEMO_MODEL, writeDemoModel } from "./demo_model.ts";

/** The elements of the outputs of an inference, by name. */
export type Outputs = Readonly<Record<string, readonly unknown[]>>;

/** A model, a request for it, and how to show the answer. */
export interface Subject {
  /** The model's name. */
  readonly model: string;
  /** The model repository that has it. */
  readonly repository: string;
  /** What Triton's Python needs for it. */
  readonly packages: Pick<SetUpOptions, "packages" | "packagesAlone">;
  /** What the model is and what it is asked, in lines for a person. */
  readonly intro: readonly string[];
  /** The input tensors by name. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** The answer in lines for a person. */
  answer(outputs: Outputs): string[];
  /** A command for the server at `address`, whose HTTP front end answers it with an inference. */
  toTry(address: string): string;
}

/** The model that reads a picture; undefined outside of a checkout, as the package has no examples. */
export function pictureSubject(): Subject | undefined {
  const { protocol } = new URL(import.meta.url);
  if (protocol !== "file:") return undefined;
  const examples = fileURLToPath(new URL("../../examples", import.meta.url).href);
  const picture = join(examples, "assets", "receipt.png");
  const repository = join(examples, "demo_models");
  if (!existsSync(picture) || !existsSync(repository)) return undefined;
  const path = shorter(picture);
  return {
    model: "read_text",
    repository,
    packages: DEMO_PACKAGES,
    intro: ["model    read_text, which reads the text in a picture", `picture  ${path}`],
    inputs: { IMAGE: Tensor.from([readFileSync(picture)]) },
    answer: ({ TEXT, SCORE }) =>
      TEXT.map((text, index) => `${(SCORE[index] as number).toFixed(2)}  ${text}`),
    toTry: (address) =>
      `curl -s ${address}/v2/models/read_text/infer -H 'Inference-Header-Content-Length: 0' \\\n` +
      `  --data-binary @${path} | grep -aoE '[[:print:]]{4,}'`,
  };
}

/** As seen from the working directory, if it lies in there. */
function shorter(path: string): string {
  const seen = relative(".", path);
  return seen.startsWith("..") ? path : seen;
}

/** The model that adds and subtracts, which is written to `folder`. */
export function smallSubject(folder: string): Subject {
  writeDemoModel(folder);
  const inputs = {
    A: Tensor.from(new Float32Array([1, 2, 3])),
    B: Tensor.from(new Float32Array([0.5, 0.5, 0.5])),
  };
  const body = {
    inputs: Object.entries(inputs).map(([name, { datatype, shape, data }]) => ({
      name,
      datatype,
      shape,
      data: [...data],
    })),
  };
  return {
    model: DEMO_MODEL,
    repository: folder,
    packages: {},
    intro: [
      `model    ${DEMO_MODEL}, which adds and subtracts`,
      `inputs   A ${inputs.A.data.join(" ")}, B ${inputs.B.data.join(" ")}`,
    ],
    inputs,
    answer: (outputs) =>
      Object.entries(outputs).map(([name, elements]) => `${name} ${elements.join(" ")}`),
    toTry: (address) =>
      `curl ${address}/v2/models/${DEMO_MODEL}/infer -d '${JSON.stringify(body)}'`,
  };
}
