// Unit tests of the dashboard's modules that need no browser: bundles each of tests/*.test.ts and runs them with node's own runner.
//
//   node web/test.mjs
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const web = dirname(fileURLToPath(import.meta.url));
const modules = resolve(web, '../build/web-npm/node_modules');
const output = mkdtempSync(join(tmpdir(), 'daybook-web-'));
const tests = readdirSync(join(web, 'tests')).filter((name) => name.endsWith('.test.ts'));
// The little of a browser that modules touch when they are loaded.
const browser =
    'globalThis.navigator ??= {}; Object.defineProperty(globalThis.navigator, "language", { value: "en-US" });' +
    'globalThis.window ??= { matchMedia: () => ({ addEventListener() {} }) };';

await createRequire(join(modules, 'x.js'))('esbuild').build({
    entryPoints: tests.map((name) => join(web, 'tests', name)),
    outdir: output,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node18',
    nodePaths: [modules],
    banner: { js: browser },
    logLevel: 'warning',
});
const files = readdirSync(output).map((name) => join(output, name));
const run = spawnSync(process.execPath, ['--test', '--test-reporter=tap', ...files], {
    stdio: 'inherit',
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
});
rmSync(output, { recursive: true });
process.exit(run.status ?? 1);
