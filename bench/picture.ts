/**
 * The picture of the benchmark: a bar for each case and runtime, as long as its ratio to the C++ server.
 *
 * @module
 */
import type { Result } from "./report.ts";

const WIDTH = 860;
const LABELS = 300;
const ROW = 34;
const TOP = 74;
/** Bars end here; their figures say more. */
const LONGEST = 3;
const COLORS: Readonly<Record<string, string>> = { Deno: "#2f9e7f", Bun: "#d98f4e" };
const FONT = "font-family='-apple-system, Segoe UI, Helvetica, Arial, sans-serif'";

/** The ratios of `results` as SVG. */
export function picture(results: readonly Result[]): string {
  const names = [...new Set(results.map(({ name }) => name))];
  const height = TOP + names.length * ROW + 24;
  const scale = (WIDTH - LABELS - 70) / LONGEST;
  const bars = names.flatMap((name, index) => {
    const y = TOP + index * ROW;
    const ours = results.filter((result) => result.name === name && result.server in COLORS);
    return [
      `<text x="${LABELS - 12}" y="${y + 18}" text-anchor="end">${name}</text>`,
      ...ours.map(({ server, ratio }, place) => {
        const length = Math.min(ratio, LONGEST) * scale;
        const top = y + 3 + place * 13;
        return `<rect x="${LABELS}" y="${top}" width="${length.toFixed(1)}" height="11" rx="2" ` +
          `fill="${COLORS[server]}"/><text x="${(LABELS + length + 6).toFixed(1)}" y="${
            top + 10
          }" ` +
          `font-size="11">${ratio.toFixed(2)}</text>`;
      }),
    ];
  });
  const line = (ratio: number) => {
    const x = (LABELS + ratio * scale).toFixed(1);
    return `<line x1="${x}" y1="${TOP - 6}" x2="${x}" y2="${height - 18}" stroke="#8a94a6" ` +
      `stroke-dasharray="${ratio === 1 ? "none" : "2 4"}"/>` +
      `<text x="${x}" y="${TOP - 12}" text-anchor="middle" font-size="11">${ratio}</text>`;
  };
  const legend = Object.entries(COLORS).map(([server, color], index) => {
    const x = LABELS + index * 80;
    return `<rect x="${x}" y="30" width="12" height="12" rx="2" fill="${color}"/>` +
      `<text x="${x + 18}" y="41">${server}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">
<title>Requests a second of these front ends on Deno and Bun, as ratios to NVIDIA's C++ server</title>
<rect width="${WIDTH}" height="${height}" rx="12" fill="#f6f7f9"/>
<g font-size="13" fill="#1d2738" ${FONT}>
<text x="24" y="41" font-weight="600">Requests/s, C++ server = 1</text>
${[...legend, line(1), line(2), line(3), ...bars].join("\n")}
</g>
</svg>
`;
}
