import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { assertRole } from '../../http/actor.ts'
import { readForm, seeOther } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { idleMs, sessionOf } from '../../http/session.ts'
import { adminCreate, adminEnd, adminLinkCreate, adminList, adminRole } from '../../protocols/api/operations/access.ts'
import { adminStore, tokenStore, type Admin } from '../../store/access.ts'
import { sessionStore } from '../../store/sessions.ts'
import { consolePage } from '../layout.ts'
import { tellAt, told } from '../told.ts'
import { queryOf, refusalOf } from '../perform.ts'
import { fresh } from './fresh.ts'
import { endPage, linkPage, peoplePage, rolePage } from './people-pages.ts'

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
    await tellAt(ctx, service, `${path}/link`, { name: admin?.name ?? '', url })
  }
  router.get(path, async ctx => { await show(ctx) })
  router.post(path, fresh(service, path), async ctx => {
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
  router.post(`${path}/link`, fresh(service, path), async ctx => {
    assertRole(sessionOf(ctx).actor, adminLinkCreate.role)
    await showLink(ctx, idIn((await readForm(ctx)).get('id')))
  })
  router.get(`${path}/link/:shown`, async ctx => {
    const made = await told<{ name: string, url: string }>(ctx, service, 'account', path)
    if (made !== undefined) consolePage(ctx, { title: 'A link', current: 'account', body: linkPage(made.name, made.url) })
  })
  router.get(`${path}/role`, fresh(service, path), async ctx => {
    assertRole(sessionOf(ctx).actor, adminRole.role)
    await showRole(ctx, service, idIn(queryOf(ctx, 'id')))
  })
  router.post(`${path}/role`, fresh(service, path), async ctx => { await changeRole(ctx, service) })
  router.post(`${path}/end`, fresh(service, path), async ctx => { await end(ctx, service) })
  return router
}

function idIn(id: string): string {
  const input = adminEnd.input.safeParse({ id })
  if (!input.success) throw new CaError('person-not-found', 'there is no admin with this id')
  return input.data.id
}

/** First what it would end, in numbers; then it. */
async function end(ctx: Context, service: Service): Promise<void> {
  const { actor } = sessionOf(ctx)
  assertRole(actor, adminEnd.role)
  const form = await readForm(ctx)
  const id = idIn(form.get('id'))
  if (form.get('sure') === 'yes') {
    await adminEnd.run(service, actor, { id })
    return seeOther(ctx, path)
  }
  const { admin, sessions, tokens } = await reachOf(service, id)
  consolePage(ctx, { title: `End ${admin.name}`, current: 'account', body: endPage(ctx, admin, sessions, tokens) })
}

/** What is open in their name. @throws {CaError} person-not-found */
async function reachOf(service: Service, id: string): Promise<{ admin: Admin, sessions: number, tokens: number }> {
  const now = service.now()
  const admin = await adminStore(service.db).find(id)
  if (admin === undefined) throw new CaError('person-not-found', 'there is no admin with this id')
  const sessions = (await sessionStore(service.db).listOf(id, now, new Date(now.getTime() - idleMs))).length
  const tokens = (await tokenStore(service.db).list()).filter(({ adminId, madeBy }) => adminId === id || madeBy === id).length
  return { admin, sessions, tokens }
}

async function showRole(ctx: Context, service: Service, id: string, problem?: string): Promise<void> {
  const { admin, sessions, tokens } = await reachOf(service, id)
  const body = rolePage(ctx, { ...admin, createdAt: admin.createdAt.toISOString() }, sessions, tokens, problem)
  consolePage(ctx, { title: `Another role for ${admin.name}`, current: 'account', body, ...problem === undefined ? {} : { status: 409 } })
}

async function changeRole(ctx: Context, service: Service): Promise<void> {
  const { actor } = sessionOf(ctx)
  assertRole(actor, adminRole.role)
  const form = await readForm(ctx)
  const id = idIn(form.get('id'))
  const input = adminRole.input.safeParse({ id, role: form.get('role') })
  if (!input.success) return await showRole(ctx, service, id, 'Choose one of the three.')
  try {
    await adminRole.run(service, actor, input.data)
  } catch (error) {
    return await showRole(ctx, service, id, refusalOf(error, 'last-admin'))
  }
  seeOther(ctx, path)
}
