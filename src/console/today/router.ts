import Router from '@koa/router'
import type { Service } from '../../http/service.ts'
import type { Overview } from '../../protocols/api/operations/overview.ts'
import { overviewShow } from '../../protocols/api/operations/overview.ts'
import { consolePage } from '../layout.ts'
import { perform } from '../perform.ts'
import { todayPage } from './page.ts'

export function todayRouter(service: Service): Router {
  const router = new Router()
  router.get('/console', async ctx => {
    const overview: Overview = await perform(ctx, service, overviewShow, {})
    consolePage(ctx, { title: 'Today', current: 'today', body: todayPage(overview, service.now()) })
  })
  return router
}
