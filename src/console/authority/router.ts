import Router from '@koa/router'
import { assertRole } from '../../http/actor.ts'
import { readForm, seeOther } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { sessionOf } from '../../http/session.ts'
import { authorityRenewSigners, authorityShow } from '../../protocols/api/operations/authorities.ts'
import { overviewShow } from '../../protocols/api/operations/overview.ts'
import { consolePage } from '../layout.ts'
import { mayPerform, perform, queryOf } from '../perform.ts'
import { authorityPage } from './page.ts'

const path = '/console/authority'

export function authorityRouter(service: Service): Router {
  const router = new Router({ prefix: path })
  router.get('/', async ctx => {
    const renewed = /^\d{1,3}$/.exec(queryOf(ctx, 'renewed'))?.[0]
    const { lists, warnings } = await perform(ctx, service, overviewShow, {})
    consolePage(ctx, {
      title: 'Authority', current: 'authority',
      body: authorityPage(ctx, {
        ...await perform(ctx, service, authorityShow, {}), lists, warnings, mayChange: mayPerform(ctx, authorityRenewSigners), now: service.now(),
        doneText: renewed === undefined ? undefined : renewed === '0' ? 'Nothing was due.' : renewed === '1' ? 'One signer was renewed.' : `${renewed} signers were renewed.`,
      }),
    })
  })
  router.post('/renew-signers', async ctx => {
    assertRole(sessionOf(ctx).actor, authorityRenewSigners.role)
    await readForm(ctx)
    const { renewed } = await perform(ctx, service, authorityRenewSigners, {})
    seeOther(ctx, `${path}?renewed=${renewed}`)
  })
  return router
}
