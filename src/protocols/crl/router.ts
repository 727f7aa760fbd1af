import Router from '@koa/router'
import type { Context } from 'koa'
import { authorityNamed, type Authorities, type Authority } from '../../certificates/authority.ts'
import { CaError } from '../../errors.ts'
import { answerArtefact } from '../../http/artefact.ts'
import type { Service } from '../../http/service.ts'
import { crlFileStore, type CrlHead } from '../../store/crls.ts'
import { bundleOf } from './bundle.ts'
import { maxAgeSeconds } from './max-age.ts'
import { newestLists } from './newest-lists.ts'

/**
 * Revocation lists for whoever asks (RFC 5280 §5, RFC 2585): `/crl/{authority}.crl`, its delta
 * `/crl/{authority}-delta.crl`, `/crl/{authority}/{partition}.crl`, and `/crl/bundle.pem` for front ends.
 */
export function crlRouter(service: Service): Router {
  const router = new Router()
  const bundle = bundleOf(service)
  const read = newestLists(service.db)
  router.get('/crl/bundle.pem', async ctx => { await answerArtefact(ctx, await bundle()) })
  router.get('/crl/:authority/:partition', async ctx => {
    const partition = /^(0|[1-9]\d{0,3})\.crl$/.exec(ctx.params['partition'] ?? '')?.[1]
    if (partition === undefined) throw noSuchList()
    const authority = authorityNamed(service.authorities(), ctx.params['authority'] ?? '')
    await answer(service, read, ctx, await crlFileStore(service.db).newest(authority.id, 'partition', Number(partition)))
  })
  router.get('/crl/:file', async ctx => {
    const { authority, scope } = listNamed(service.authorities(), ctx.params['file'] ?? '')
    await answer(service, read, ctx, await crlFileStore(service.db).newest(authority.id, scope))
  })
  return router
}

const noSuchList = (): CaError => new CaError('not-found', 'there is no revocation list at this address')

function listNamed(authorities: Authorities, file: string): { authority: Authority, scope: 'complete' | 'delta' } {
  const name = /^([a-z0-9-]{1,46})\.crl$/.exec(file)?.[1]
  if (name === undefined) throw noSuchList()
  // An authority's own name may end like the address of a delta.
  const exact = authorities.all.find(authority => authority.name === name)
  if (exact !== undefined) return { authority: exact, scope: 'complete' }
  if (!name.endsWith('-delta')) throw noSuchList()
  return { authority: authorityNamed(authorities, name.slice(0, -'-delta'.length)), scope: 'delta' }
}

type Read = (list: CrlHead) => Promise<Buffer>

async function answer(service: Service, read: Read, ctx: Context, list: CrlHead | undefined): Promise<void> {
  if (list === undefined) throw noSuchList()
  await answerArtefact(ctx, {
    type: 'application/pkix-crl', sha256: list.sha256, lastModified: list.thisUpdate, maxAgeSeconds: maxAgeSeconds(list.nextUpdate, service.now()),
    read: async () => await read(list),
  })
}
