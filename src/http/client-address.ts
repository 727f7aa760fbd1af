import ipaddr from 'ipaddr.js'
import type { Middleware } from 'koa'

/** Longer chains are forged, or a proxy that is not ours. */
const mostHops = 20

/**
 * Who really asked: the nearest address that is not one of our proxies. What stands further out was written by
 * somebody we have no reason to believe.
 *
 * @param peer  the other end of the connection
 * @param forwardedFor  `X-Forwarded-For`, the nearest hop last
 * @param trusted  addresses and networks whose forwarding header counts
 */
export function clientAddress(peer: string, forwardedFor: string, trusted: readonly string[]): string {
  const hops = forwardedFor.split(',').map(hop => hop.trim()).filter(hop => hop !== '').slice(-mostHops)
  let nearest = peer
  while (isIn(nearest, trusted) && hops.length > 0) {
    const hop = hops.pop()!
    if (!ipaddr.isValid(hop)) break
    nearest = hop
  }
  return ipaddr.isValid(nearest) ? ipaddr.process(nearest).toString() : nearest
}

function isIn(address: string, networks: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  return networks.some(network => {
    const [base, bits] = network.includes('/') ? ipaddr.parseCIDR(network) : [ipaddr.process(network), undefined] as const
    if (base.kind() !== parsed.kind()) return false
    return parsed.match(base, bits ?? (base.kind() === 'ipv4' ? 32 : 128))
  })
}

/** Makes `ctx.ip` the client's, for the record of changes. */
export const clientAddresses = (trusted: readonly string[]): Middleware => async (ctx, next) => {
  ctx.request.ip = clientAddress(ctx.req.socket.remoteAddress ?? '', ctx.get('x-forwarded-for'), trusted)
  await next()
}
