export { loadSettings, SettingsUnusable, type Settings } from './configuration.js';
export { createApp } from './server.js';
