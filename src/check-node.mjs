// Runs before anything that needs TypeScript support, on whatever Node the system has, so that an old one gets a sentence instead of a stack trace.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 7)) {
  process.stderr.write(
    `Moonlatch needs Node.js 24.7 or newer; this is ${process.versions.node}.\n` +
      "On Linux (x64, arm64) 'npm ci' brings its own copy unless optional packages are left out. Elsewhere, install Node.js 24 and try again.\n",
  );
  process.exit(78);
}
