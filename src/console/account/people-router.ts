import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { assertRole } from '../../http/actor.ts'
import { readForm, seeOther } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { sessionOf } from '../../http/session.ts'
import { adminCreate, adminEnd, adminLinkCreate, adminList } from '../../protocols/api/operations/access.ts'
import { adminStore } from '../../store/access.ts'
import { consolePage } from '../layout.ts'
import { linkPage, peoplePage } from './pages.ts'

const path = '/console/account/people'
const title = 'People who administer'

export function peopleRouter(service: Service): Router {
  const router = new Router()
  const show = async (ctx: Context, given: Parameters<typeof peoplePage>[3] = {}, status = 200): Promise<void> => {
    const { items } = await adminList.run(service, sessionOf(ctx).actor, {})
    consolePage(ctx, { title, current: 'account', body: peoplePage(ctx, service.now(), items, given), status })
  }
  const showLink = async (ctx: Context, id: string): Promise<void> => {
    const admin = await adminStore(service.db).find(id)
    const { url } = await adminLinkCreate.run(service, sessionOf(ctx).actor, { id })
    consolePage(ctx, { title: 'A link', current: 'account', body: linkPage(admin?.name ?? '', url) })
  }
  router.get(path, async ctx => { await show(ctx) })
  router.post(path, async ctx => {
    const { actor } = sessionOf(ctx)
    assertRole(actor, adminCreate.role)
    const form = await readForm(ctx)
    const [name, email, role] = [form.get('name'), form.get('email'), form.get('role')]
    const input = adminCreate.input.safeParse({ name, email, role })
    const again = async (problem: string): Promise<void> => await show(ctx, { name, email, role, problem }, 400)
    if (!input.success) return await again('Type a name of at most 64 characters and an address like ada@example.com.')
    try {
      const { id } = await adminCreate.run(service, actor, input.data)
      await showLink(ctx, id)
    } catch (error) {
      if (!(error instanceof CaError) || error.code !== 'conflict') throw error
      await again('There is an admin with this address.')
    }
  })
  for (const [action, operation] of [['link', adminLinkCreate], ['end', adminEnd]] as const) {
    router.post(`${path}/${action}`, async ctx => {
      const { actor } = sessionOf(ctx)
      assertRole(actor, operation.role)
      const input = operation.input.safeParse({ id: (await readForm(ctx)).get('id') })
      if (!input.success) throw new CaError('person-not-found', 'there is no admin with this id')
      if (action === 'link') return await showLink(ctx, input.data.id)
      await adminEnd.run(service, actor, input.data)
      seeOther(ctx, path)
    })
  }
  return router
}
