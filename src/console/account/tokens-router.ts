import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { assertRole } from '../../http/actor.ts'
import { readForm, seeOther } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { sessionOf } from '../../http/session.ts'
import { tokenCreate, tokenEnd, tokenList } from '../../protocols/api/operations/tokens.ts'
import type { Role } from '../../store/access.ts'
import { consolePage } from '../layout.ts'
import { tellAt, told } from '../told.ts'
import { fresh } from './fresh.ts'
import { tokenMadePage, tokensPage, type TokenView } from './token-pages.ts'

const path = '/console/account/tokens'

export function tokensRouter(service: Service): Router {
  const router = new Router()
  const show = async (ctx: Context, given: Parameters<typeof tokensPage>[3] = {}, status = 200): Promise<void> => {
    const { items } = await tokenList.run(service, sessionOf(ctx).actor, {})
    consolePage(ctx, { title: 'API tokens', current: 'account', body: tokensPage(ctx, service.now(), items as TokenView[], given), status })
  }
  router.get(path, async ctx => { await show(ctx) })
  router.post(path, fresh(service, path), async ctx => {
    const { actor } = sessionOf(ctx)
    assertRole(actor, tokenCreate.role)
    const form = await readForm(ctx)
    const [name, role, until, reach, scope] = [form.get('name'), form.get('role'), form.get('until'), form.get('reach'), form.all('scope')]
    const again = async (problem: string): Promise<void> => await show(ctx, { name, role: role as Role, until, reach, scope, problem }, 400)
    // Who ticks areas and leaves the other choice as it is wants less than everything.
    if (reach !== 'some' && scope.length > 0) return await again('You ticked areas: choose “Only what is ticked here”, or take the ticks away.')
    if (reach === 'some' && scope.length === 0) return await again('Tick what the token may use.')
    // The last day counts to its end.
    const input = tokenCreate.input.safeParse({ name, role, scope: reach === 'some' ? scope : null, expiresAt: until === '' ? null : `${until}T23:59:59Z` })
    if (!input.success) return await again('Say what it is for in at most 64 characters, and name a day like 2027-03-31.')
    try {
      const made = await tokenCreate.run(service, actor, input.data)
      await tellAt(ctx, service, `${path}/made`, made)
    } catch (error) {
      if (!(error instanceof CaError) || error.code !== 'invalid-argument') throw error
      await again('The last day is in the past.')
    }
  })
  router.get(`${path}/made/:shown`, async ctx => {
    const made = await told<Parameters<typeof tokenMadePage>[1]>(ctx, service, 'account', path)
    if (made !== undefined) consolePage(ctx, { title: 'A new token', current: 'account', body: tokenMadePage(service.config.url, made) })
  })
  router.post(`${path}/end`, async ctx => {
    const { actor } = sessionOf(ctx)
    assertRole(actor, tokenEnd.role)
    const input = tokenEnd.input.safeParse({ id: (await readForm(ctx)).get('id') })
    if (!input.success) throw new CaError('token-not-found', 'there is no such token')
    await tokenEnd.run(service, actor, input.data)
    seeOther(ctx, path)
  })
  return router
}
