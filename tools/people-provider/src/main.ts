import { loadSettings, SettingsUnusable } from './configuration.js';

try {
  const settings = loadSettings(process.env);
  const { startPeopleProvider } = await import('./server.js');
  const provider = await startPeopleProvider(settings);
  console.log(`people provider at ${provider.url}`);
  const stop = (): void => void provider.close();
  process.once('SIGTERM', stop).once('SIGINT', stop);
} catch (error) {
  if (!(error instanceof SettingsUnusable)) throw error;
  console.error(`The people provider cannot start:\n${error.message}`);
  process.exitCode = 1;
}
