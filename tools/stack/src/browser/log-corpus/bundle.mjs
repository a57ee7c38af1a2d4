// `node bundle.mjs FILE`: writes the file and all that it imports, as browsers get it, as one script. A separate process: Vite does not run within
// Jest.
import { build } from 'vite';

const [entry] = process.argv.slice(2);
const built = await build({
  configFile: false,
  logLevel: 'error',
  build: { write: false, lib: { entry, formats: ['iife'], name: 'theLog' } },
});
process.stdout.write([built].flat()[0].output[0].code);
