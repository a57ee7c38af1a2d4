import { loadSettings, SettingsUnusable } from './configuration.js';

try {
  const settings = loadSettings(process.env);
  const { createApp } = await import('./server.js');
  const app = createApp(settings);
  await app.listen({ host: settings.host, port: settings.port });
  console.log(`Corner Shop at ${settings.app.href}`);
  const stop = (): void => void app.close();
  process.once('SIGTERM', stop).once('SIGINT', stop);
} catch (error) {
  if (!(error instanceof SettingsUnusable)) throw error;
  console.error(`Corner Shop cannot start:\n${error.message}`);
  process.exitCode = 1;
}
