export { anyText } from './any-text.js';
export { anyWebUrl } from './any-web-url.js';
