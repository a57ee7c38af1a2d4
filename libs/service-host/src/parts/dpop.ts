export { PostgresDpopReplayStore } from '../credentials/dpop-replay.store.js';
