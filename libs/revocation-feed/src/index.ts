export {
  BUCKET_SIZE_LIMIT,
  createRevocationBucket,
  openRevocationBucket,
  readRevocationBucket,
  REVOCATION_BUCKET,
} from './revocation-bucket.js';
export {
  startRevocationFeed,
  type FeedLogger,
  type RevocationFeed,
  type RevocationFeedOptions,
  type RevocationFeedState,
} from './revocation-feed.js';
export { bucketKeyOf, bucketKeysAgainst, bucketValueOf, isRevocableId, parseRevocation } from './revocation.js';
