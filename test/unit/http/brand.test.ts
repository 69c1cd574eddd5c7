import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as fc from "fast-check";
import { brandCss, type Palette, solveBrand } from "../../../src/http/brand.ts";
import { contrast, formatHex, fromOklch, parseHex, type Rgb, toOklch } from "../../../src/http/colour.ts";

const GROUNDS: Readonly<Record<"light" | "dark", readonly Rgb[]>> = {
  light: ["#f3f4f7", "#ffffff", "#f7f8fa"].map(parseHex),
  dark: ["#0f1217", "#181c23", "#1f252e"].map(parseHex),
};
const HOSTILE = ["#000000", "#ffffff", "#808080", "#ffff00", "#00ff00", "#ff0000", "#0000ff", "#767676", "#2f5bd0"];
const anyColour = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.integer({ min: 0, max: 0xff_ff_ff }).map((value) => `#${value.toString(16).padStart(6, "0")}`),
);

function atLeast(ratio: number, a: Rgb, b: Rgb): void {
  const got = contrast(a, b);
  assert.ok(got >= ratio, `${formatHex(a)} on ${formatHex(b)}: ${got.toFixed(2)} < ${ratio}`);
}

function holds(palette: Palette, grounds: readonly Rgb[], textRatio: number): void {
  atLeast(4.5, palette["on-accent"], palette.accent);
  atLeast(4.5, palette["on-accent"], palette["accent-hover"]);
  atLeast(4.5, palette["on-accent-soft"], palette["accent-soft"]);
  for (const ground of grounds) atLeast(textRatio, palette["accent-text"], ground);
  for (const ground of grounds.slice(0, 2)) atLeast(3, palette["accent-edge"], ground);
}

/** A colour of one block of the style sheet. */
function token(block: string, name: string): Rgb {
  const hex = new RegExp(`--${name}: #([0-9a-f]+)`).exec(block)?.[1] ?? "";
  return parseHex(`#${hex.length === 3 ? hex.replaceAll(/./g, "$&$&") : hex}`);
}

test("whatever accent an operator picks, text on it and in it can be read in both themes", () => {
  fc.assert(
    fc.property(anyColour, (accent) => {
      const { light, dark } = solveBrand(accent);
      holds(light, GROUNDS.light, 4.5);
      holds(dark, GROUNDS.dark, 6);
    }),
    { numRuns: 600, examples: HOSTILE.map((colour): [string] => [colour]) },
  );
});

test("an accent that is fine stays as it is, and a yellow one stays yellow under dark text", () => {
  assert.equal(formatHex(solveBrand("#2f5bd0").light.accent), "#2f5bd0");
  assert.equal(formatHex(solveBrand("#2f5bd0").light["accent-text"]), "#2f5bd0");
  const { light } = solveBrand("#eab308");
  assert.equal(formatHex(light.accent), "#eab308");
  assert.equal(formatHex(light["on-accent"]), "#0b0f17");
  assert.notEqual(formatHex(light["accent-edge"]), "#eab308");
});

test("a colour survives the way to OKLCH and back", () => {
  fc.assert(
    fc.property(anyColour, (hex) => {
      const back = fromOklch(toOklch(parseHex(hex)));
      for (const [at, part] of parseHex(hex).entries()) assert.ok(Math.abs(part - (back[at] ?? Number.NaN)) <= 1, hex);
    }),
  );
});

test("the surfaces the solver measures against are those of the style sheet, whose own colours can be read on them", () => {
  const css = readFileSync("public/style.css", "utf8");
  const [light = "", dark = ""] = [...css.matchAll(/:root \{(\s+[^}]*--bg:[^}]*)\}/g)].map(([, block]) => block ?? "");
  for (const [block, grounds] of [
    [light, GROUNDS.light],
    [dark, GROUNDS.dark],
  ] as const) {
    assert.deepEqual(
      ["bg", "surface", "surface-2"].map((name) => token(block, name)),
      grounds,
    );
    for (const ground of grounds) {
      for (const text of ["text", "text-2", "danger", "warning", "success"]) atLeast(4.5, token(block, text), ground);
      atLeast(3, token(block, "border-input"), ground);
    }
    for (const tone of ["danger", "warning", "success"]) atLeast(4.5, token(block, tone), token(block, `${tone}-soft`));
  }
});

test("the generated sheet has nothing but custom properties", () => {
  assert.match(
    brandCss("#123456"),
    /^:root\{(?:--[a-z-]+:#[0-9a-f]{6};)+\}@media\(prefers-color-scheme:dark\)\{:root\{(?:--[a-z-]+:#[0-9a-f]{6};)+\}\}\n$/,
  );
});
