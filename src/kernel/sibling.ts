/**
 * The module beside (or at a path from) this one, for what Node loads by address: threads and processes. It ends like this one, .ts in the
 * sources and .js where they were built.
 * @param base `import.meta.url` of the module that asks.
 */
export function siblingModule(path: string, base: string): URL {
  return new URL(path + base.slice(base.lastIndexOf(".")), base);
}
