import { RouteMethods } from './route-methods.js';

describe('the methods of a path', () => {
  const routes = new RouteMethods();
  routes.add(['GET', 'HEAD'], '/orders/:id');
  routes.add('DELETE', '/orders/:id');
  routes.add('POST', '/orders');
  routes.add('GET', '/log/tile/*');
  routes.add('PUT', '/orders/new');

  it.each([
    ['/orders', ['POST']],
    ['/orders?limit=1', ['POST']],
    ['/orders/7', ['DELETE', 'GET', 'HEAD']],
    ['/orders/new', ['DELETE', 'GET', 'HEAD', 'PUT']],
    ['/log/tile/8/x001/067', ['GET']],
    ['/orders/', []],
    ['/orders/7/items', []],
    ['/ORDERS', []],
    ['/log/tile', []],
    ['/', []],
    ['*', []],
  ])('of %s are those of its routes', (url, methods) => {
    expect(routes.allowed(url)).toEqual(methods);
  });
});
