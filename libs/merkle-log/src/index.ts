export { LEAF_SIZE_LIMIT, LeafError, leafOf, type Leaf } from './leaf.js';
export { leafHash, nodeHash, rootOf, splitPoint } from './tree.js';
