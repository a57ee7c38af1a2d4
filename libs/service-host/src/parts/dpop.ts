export { PostgresDpopReplayStore } from '../dpop-replay.store.js';
