import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ejs from "ejs";
import type { Assets } from "./assets.ts";
import { type Catalogue, loadCatalogue, type Translate } from "./catalogue.ts";
import { escapeHtml } from "./html.ts";
import { chooseLanguage, type LanguagePreferences } from "./language.ts";
import type { Frame, LanguageChoice, PageModels, PageName } from "./page-models.ts";

export interface PagesOptions {
  readonly viewsRoot: string;
  readonly assets: Assets;
  readonly ui: { readonly product: string; readonly languages: readonly string[] };
  /** Address of the operator's logo, where there is one. */
  readonly logo?: string | undefined;
  readonly links: { readonly help: string | undefined };
}

export interface Translator {
  readonly lang: string;
  readonly t: Translate;
}

export interface Pages {
  /** The whole HTML of a page in the language the person wants. */
  render<Name extends PageName>(preferences: LanguagePreferences, name: Name, model: PageModels[Name]): string;
  translator(preferences: LanguagePreferences): Translator;
}

type Template = (locals: object) => string;
/** Pages that talk to an authenticator, and pages with more than a form. */
const CEREMONIES: ReadonlySet<PageName> = new Set(["login/password", "factor/key", "enrol/key", "account/methods"]);
const WIDE: ReadonlySet<PageName> = new Set(["enrol/totp", "enrol/codes"]);
const OWN_NAMES: Readonly<Record<string, string>> = { en: "English", de: "Deutsch" };

/** Compiles every template at once: a broken one stops the start, not a sign-in. */
export function createPages({ viewsRoot, assets, ui, links, logo }: PagesOptions): Pages {
  const templates = compileAll(viewsRoot);
  const catalogue: Catalogue = loadCatalogue(ui.languages);
  const translator = (preferences: LanguagePreferences): Translator => {
    const lang = chooseLanguage(preferences, ui.languages);
    return { lang, t: catalogue.translate(lang) };
  };
  const find = (name: string): Template => {
    const template = templates.get(name);
    if (template === undefined) throw new Error(`there is no view ${name}`);
    return template;
  };
  return {
    translator,
    render(preferences, name, model) {
      const { lang, t } = translator(preferences);
      const frame: Frame = {
        lang,
        dir: "ltr",
        product: ui.product,
        logo,
        languages: languageMenu(preferences.url, ui.languages, lang),
        links: { help: links.help },
      };
      const rich = catalogue.rich(lang);
      const body = find(name)({ ...model, t, rich, frame });
      return find("layout")({
        frame,
        t,
        body,
        refresh: refreshOf(name, model),
        title: `${titleOf(name, model, t)} – ${ui.product}`,
        css: [assets.url("style.css"), assets.url("brand.css")],
        js: assets.url("ui.js"),
        ceremony: CEREMONIES.has(name) ? assets.url("webauthn.js") : undefined,
        isWide: WIDE.has(name),
        portal: "portal" in model ? model.portal : undefined,
        icon: assets.url("favicon.svg"),
      });
    },
  };
}

/** Where the page goes on by itself, without scripts. */
function refreshOf<Name extends PageName>(
  name: Name,
  model: PageModels[Name],
): { readonly after: number; readonly to: string } | undefined {
  const isAutomatic = name === "login/handoff" || ("isAutomatic" in model && model.isAutomatic);
  const to = isAutomatic && "href" in model ? model.href : undefined;
  // A result is there to be read.
  return to === undefined
    ? undefined
    : { after: "isOver" in model && model.isOver && model.apps.length > 0 ? 3 : 0, to };
}

/** Begins with "Error:" when something went wrong, for people who hear the title first. */
function titleOf<Name extends PageName>(name: Name, model: PageModels[Name], t: Translate): string {
  const app = "app" in model ? (model.app ?? "") : "";
  const own = "kind" in model ? t(`error.${model.kind}.title`) : t(`title.${name}`, { app });
  return name === "error" || wentWrong(model) ? `${t("title.error")}: ${own}` : own;
}

function wentWrong(model: PageModels[PageName]): boolean {
  const tone = "note" in model ? model.note?.tone : undefined;
  return (
    tone === "danger" ||
    tone === "warning" ||
    ("fieldError" in model && model.fieldError !== undefined) ||
    ("isWrong" in model && (model.isWrong || model.wait !== undefined))
  );
}

/**
 * Links to the same page in another language, relative to it: the path //evil.example would be another host as a link. A page with a
 * query of its own has none: a link must not repeat what was sent.
 */
function languageMenu(url: string, offered: readonly string[], current: string): readonly LanguageChoice[] {
  const query = url.split("?", 2)[1] ?? "";
  if (!/^(?:ui_locales=[a-z-]*)?$/.test(query)) return [];
  return offered.map((code) => ({
    code,
    name: OWN_NAMES[code] ?? code,
    href: `?ui_locales=${code}`,
    current: code === current,
  }));
}

function compileAll(root: string): ReadonlyMap<string, Template> {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ejs"));
  return new Map(names.map((name) => [relative(".", name).replace(/\.ejs$/, ""), compile(root, name)]));
}

function compile(root: string, name: string): Template {
  const compiled = ejs.compile(readFileSync(join(root, name), "utf8"), {
    filename: join(root, name),
    root,
    strict: true,
    _with: false,
    localsName: "view",
    // The included partials, too: without it each one is compiled anew for every page.
    cache: true,
    escape: escapeHtml,
  } as ejs.Options);
  return (locals) => compiled(locals) as string;
}
