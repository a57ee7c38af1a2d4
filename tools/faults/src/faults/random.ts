export { between, pick, seededRandom, type Random } from '@countersign/stack';
