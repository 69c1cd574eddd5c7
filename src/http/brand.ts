import { contrast, formatHex, fromOklch, parseHex, type Rgb, toOklch } from "./colour.ts";

type Direction = "darker" | "lighter";

interface Theme {
  /** Page, card and inset, as `public/style.css` has them. */
  readonly grounds: readonly [Rgb, Rgb, Rgb];
  /** Where a colour goes that is too close to its ground. */
  readonly away: Direction;
  /** Contrast of links and focus rings: dark themes glare less and get more. */
  readonly textRatio: number;
  readonly softLightness: number;
  readonly softChroma: number;
}

const WHITE: Rgb = [255, 255, 255];
const INK: Rgb = [11, 15, 23];
const READABLE = 4.5;
const VISIBLE = 3;

const LIGHT: Theme = {
  grounds: [parseHex("#f3f4f7"), parseHex("#ffffff"), parseHex("#f7f8fa")],
  away: "darker",
  textRatio: READABLE,
  softLightness: 0.955,
  softChroma: 0.02,
};
const DARK: Theme = {
  grounds: [parseHex("#0f1217"), parseHex("#181c23"), parseHex("#1f252e")],
  away: "lighter",
  textRatio: 6,
  softLightness: 0.27,
  softChroma: 0.045,
};

/** The brand's colours by purpose, each made readable on what it stands on. */
export interface Palette {
  readonly accent: Rgb;
  readonly "on-accent": Rgb;
  /** Rim of a filled button against page and card. */
  readonly "accent-edge": Rgb;
  readonly "accent-hover": Rgb;
  /** Links and focus rings. */
  readonly "accent-text": Rgb;
  readonly "accent-soft": Rgb;
  readonly "on-accent-soft": Rgb;
}

/** Colours of the brand, as custom properties for both colour schemes. @param accent `#rrggbb`, whatever it looks like. */
export function brandCss(accent: string): string {
  const { light, dark } = solveBrand(accent);
  return `:root{${declare(light)}}@media(prefers-color-scheme:dark){:root{${declare(dark)}}}\n`;
}

/**
 * Moves the accent in lightness, hue kept, until every use of it meets WCAG 2.2: text 4.5 (1.4.3), outlines 3 (1.4.11).
 * An accent that is fine already stays as it is.
 */
export function solveBrand(accent: string): { readonly light: Palette; readonly dark: Palette } {
  const given = parseHex(accent);
  return { light: solve(given, LIGHT), dark: solve(given, DARK) };
}

function solve(given: Rgb, theme: Theme): Palette {
  const { grounds, away } = theme;
  const [page, card] = grounds;
  const fill = move(given, away, (colour) => textOn(colour) !== undefined);
  const on = textOn(fill) ?? INK;
  const readable = move(fill, away, (colour) => grounds.every((ground) => contrast(colour, ground) >= theme.textRatio));
  const { hue, chroma } = toOklch(given);
  const soft = fromOklch({ lightness: theme.softLightness, chroma: Math.min(chroma, theme.softChroma), hue });
  return {
    accent: fill,
    "on-accent": on,
    "accent-edge": move(fill, away, (colour) => [page, card].every((ground) => contrast(colour, ground) >= VISIBLE)),
    "accent-hover": step(fill, on === WHITE ? -0.06 : 0.06),
    "accent-text": readable,
    "accent-soft": soft,
    "on-accent-soft": move(readable, away, (colour) => contrast(colour, soft) >= READABLE),
  };
}

/** White where it can be read, else near-black where that can. */
function textOn(fill: Rgb): Rgb | undefined {
  return [WHITE, INK].find((text) => contrast(text, fill) >= READABLE);
}

function step(colour: Rgb, by: number): Rgb {
  const parts = toOklch(colour);
  return fromOklch({ ...parts, lightness: parts.lightness + by });
}

/** The first colour on the way to black or white that is good. */
function move(from: Rgb, direction: Direction, isGood: (colour: Rgb) => boolean): Rgb {
  if (isGood(from)) return from;
  const parts = toOklch(from);
  const by = direction === "darker" ? -0.005 : 0.005;
  for (let lightness = parts.lightness + by; lightness > 0 && lightness < 1; lightness += by) {
    const candidate = fromOklch({ ...parts, lightness });
    if (isGood(candidate)) return candidate;
  }
  return direction === "darker" ? [0, 0, 0] : WHITE;
}

function declare(palette: Palette): string {
  return Object.entries(palette)
    .map(([name, colour]) => `--${name}:${formatHex(colour as Rgb)};`)
    .join("");
}
