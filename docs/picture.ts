// Makes docs/demo.svg: the demonstration's picture and what the model reads in it. Run `demo` before, which
// fetches the packages that the model needs.
//
//     deno run -A docs/picture.ts
//     bun run docs/picture.ts
import { readFileSync, writeFileSync } from "node:fs";
import { Server } from "@triton-ts/frontend";

const WIDTH = 1000;
const HEIGHT = 448;
/** The receipt is 840 x 600; here it is 560 x 400. */
const SCALE = 2 / 3;
const PANEL = 608;
const SANS = "font-family='-apple-system, Segoe UI, Helvetica, Arial, sans-serif'";
const MONO = "font-family='ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace'";

const receipt = readFileSync("examples/assets/receipt.png");
await using server = await Server.start({ modelRepository: "examples/demo_models" });
const response = await server.model("read_text").infer({ inputs: { IMAGE: [receipt] } });
const texts = response.output("TEXT").strings();
const scores = response.output("SCORE").toArray() as number[];
const corners = response.output("BOX").toArray() as number[];

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const boxes = texts.map((_, line) => {
  const points = corners.slice(line * 8, line * 8 + 8).map((at) => (at * SCALE).toFixed(1));
  return `<polygon points="${points.join(" ")}"/>`;
});
const lines = texts.map((text, line) => {
  const y = 104 + line * 24;
  return `<text x="24" y="${y}" fill="#7fd1b9">${scores[line].toFixed(2)}</text>` +
    `<text x="76" y="${y}">${escaped(text)}</text>`;
});
const chips = ["HTTP 8000", "gRPC 8001", "metrics 8002"].map((name, index) =>
  `<rect x="${24 + index * 110}" y="364" width="100" height="24" rx="12" fill="#33415c"/>` +
  `<text x="${74 + index * 110}" y="380" text-anchor="middle" font-size="12" ${SANS}>${name}</text>`
);

writeFileSync(
  "docs/demo.svg",
  `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">
<title>A receipt, and the lines of text that the model reads in it, each with its score</title>
<defs><clipPath id="round"><rect width="560" height="400" rx="12"/></clipPath></defs>
<g transform="translate(24 24)" clip-path="url(#round)">
<image width="560" height="400" href="data:image/png;base64,${receipt.toString("base64")}"/>
<g fill="#2f9e7f" fill-opacity="0.12" stroke="#2f9e7f" stroke-width="1.5">
${boxes.join("\n")}
</g>
</g>
<g transform="translate(${PANEL} 24)" fill="#e8ecf4" font-size="15">
<rect width="368" height="400" rx="12" fill="#1d2738"/>
<text x="24" y="40" font-size="17" font-weight="600" ${SANS}>What the model read_text reads</text>
<text x="24" y="64" font-size="12.5" fill="#9fb0cc" ${SANS}>libtritonserver.so, inside a Deno or Bun program</text>
<g xml:space="preserve" ${MONO}>
${lines.join("\n")}
</g>
${chips.join("\n")}
</g>
</svg>
`,
);
