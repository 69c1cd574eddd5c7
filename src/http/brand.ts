/** Colours of the brand, as custom properties for both colour schemes. */
export function brandCss(accent: string): string {
  const light = scheme(accent, ["#ffffff", "#f3f4f7"], 4.5, "darker");
  const dark = scheme(accent, ["#181c23", "#1f252e"], 6, "lighter");
  return `:root{${light}}@media(prefers-color-scheme:dark){:root{${dark}}}\n`;
}

type Rgb = readonly [number, number, number];

function scheme(accent: string, surfaces: readonly string[], wanted: number, direction: "darker" | "lighter"): string {
  const fill = parse(accent);
  const on: Rgb = contrast(fill, [255, 255, 255]) >= 4.5 ? [255, 255, 255] : [11, 15, 23];
  // A middle tone carries neither white nor black text well enough: it moves away from its text.
  const readable = move(fill, (colour) => contrast(colour, on) >= 4.5, on[0] === 255 ? "darker" : "lighter");
  const grounds = surfaces.map(parse);
  const reaches = (ratio: number) => (colour: Rgb) => grounds.every((ground) => contrast(colour, ground) >= ratio);
  const text = move(readable, reaches(wanted), direction);
  const soft = mix(text, grounds[0] ?? [255, 255, 255], 0.12);
  const values = {
    accent: readable,
    "on-accent": on,
    "accent-edge": move(readable, reaches(3), direction),
    "accent-hover": mix(readable, on[0] === 255 ? [0, 0, 0] : [255, 255, 255], 0.85),
    "accent-text": text,
    "accent-soft": soft,
    "on-accent-soft": move(text, (colour) => contrast(colour, soft) >= 4.5, direction),
  };
  return Object.entries(values)
    .map(([name, colour]) => `--${name}:${format(colour)};`)
    .join("");
}

function parse(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function format(colour: Rgb): string {
  return `#${colour.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  return [a[0] * share + b[0] * (1 - share), a[1] * share + b[1] * (1 - share), a[2] * share + b[2] * (1 - share)];
}

function move(colour: Rgb, isGood: (colour: Rgb) => boolean, direction: "darker" | "lighter"): Rgb {
  const end: Rgb = direction === "darker" ? [0, 0, 0] : [255, 255, 255];
  for (let share = 1; share > 0; share -= 0.02) {
    const candidate = parse(format(mix(colour, end, share)));
    if (isGood(candidate)) return candidate;
  }
  return end;
}

/** WCAG 2 contrast ratio. */
export function contrast(a: Rgb, b: Rgb): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: Rgb): number {
  const [r = 0, g = 0, b = 0] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
