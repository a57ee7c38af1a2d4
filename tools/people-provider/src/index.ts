export { clientSchema, clientsFileSchema, type RelyingParty } from './clients.js';
export { loadSettings, SettingsUnusable, type Settings } from './configuration.js';
export { people, PASSWORD, TWO_FACTORS, type Somebody } from './people.js';
export { startPeopleProvider, type PeopleProvider, type PeopleProviderOptions } from './server.js';
export { newPkce, type Pkce } from './pkce.js';
export { CookieJar } from './cookie-jar.js';
export { walkSignIn, walkSignOut, type SignOutWalk, type WalkOptions } from './walk.js';
