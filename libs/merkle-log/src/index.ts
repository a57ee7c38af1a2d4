export { leafHash, nodeHash, rootOf, splitPoint } from './tree.js';
