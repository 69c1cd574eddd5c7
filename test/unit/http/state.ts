import type { PageModels, PageName } from "../../../src/http/index.ts";

export const WHO = { name: "Editor account", account: "editor@example.com", switchHref: undefined };
export const APP = "Team timesheets";
export const FORM = { action: "/login/oidc/x", csrf: "token" };

export type PageState = {
  [Name in PageName]: { readonly state: string; readonly name: Name; readonly model: PageModels[Name] };
}[PageName];

export const note = (tone: "danger" | "warning", title: string, text: string) => ({ tone, title, text });
