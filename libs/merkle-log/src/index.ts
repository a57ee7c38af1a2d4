export * from './browser.js';
export { createNoteSigner, parseVerifierKey } from './note-signer.js';
