import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { change } from '../../http/change.ts'
import { readForm, seeOther } from '../../http/form.ts'
import { addingOptions, relyingParty, verifyNewPasskey } from '../../http/passkeys.ts'
import { hashPassword, passwordProblem } from '../../http/password.ts'
import { newRecoveryCodes, recoveryCodeSha256 } from '../../http/recovery-codes.ts'
import type { Service } from '../../http/service.ts'
import { idleMs, renewSession, sessionOf } from '../../http/session.ts'
import { passkeyStore, passwordStore, recoveryCodeStore } from '../../store/credentials.ts'
import type { Queryable } from '../../store/db.ts'
import { adminNotices } from '../../store/admin-notices.ts'
import { sessionStore } from '../../store/sessions.ts'
import { consolePage } from '../layout.ts'
import { tellAt, told } from '../told.ts'
import { fresh } from './fresh.ts'
import { accountPage, codesPage, newCodesPage, passkeyPage, passwordPage } from './pages.ts'
import { noticesRouter } from './notices.ts'
import { peopleRouter } from './people-router.ts'
import { tokensRouter } from './tokens-router.ts'
import { deviceInWords } from './user-agent.ts'

/** One's own account, and who and what else may come in. */
export function accountRouter(service: Service): Router {
  const router = new Router()
  router.get('/console/account', async ctx => {
    const now = service.now()
    const { adminId, role } = sessionOf(ctx).actor
    const view = {
      wanted: await adminNotices(service.db).of(adminId, role), canMail: service.config.smtpUrl !== undefined,
      now, passkeys: await passkeyStore(service.db).listOf(adminId), passwordChangedAt: await passwordStore(service.db).changedAt(adminId),
      codesLeft: await recoveryCodeStore(service.db).left(adminId), sessions: await sessionStore(service.db).listOf(adminId, now, new Date(now.getTime() - idleMs)),
    }
    consolePage(ctx, { title: 'Account', current: 'account', body: accountPage(ctx, view) })
  })
  router.post('/console/account/sessions/end', async ctx => { await endSession(ctx, service) })
  passkeyRoutes(router, service)
  codeRoutes(router, service)
  passwordRoutes(router, service)
  router.use(tokensRouter(service).routes())
  router.use(noticesRouter(service).routes())
  router.use(peopleRouter(service).routes())
  return router
}

const accountPath = '/console/account'

async function endSession(ctx: Context, service: Service): Promise<void> {
  const { actor, sessionId } = sessionOf(ctx)
  const id = (await readForm(ctx)).get('id')
  await change(service, actor, async (tx, record, now) => {
    if (id === 'others') await sessionStore(tx).endAll(actor.adminId, now, sessionId)
    else if (!/^[0-9a-f-]{36}$/.test(id) || await sessionStore(tx).end(id, actor.adminId, now) === undefined) throw new CaError('not-found', 'this session has ended already')
    await record('session.end', `admin:${actor.adminId}`, { session: id })
  })
  seeOther(ctx, accountPath)
}

function passkeyRoutes(router: Router, service: Service): void {
  const path = '/console/account/passkey'
  router.get(path, fresh(service, path), async ctx => {
    const { actor, email } = sessionOf(ctx)
    const body = passkeyPage(ctx, {
      host: relyingParty(service).id, url: service.config.url, options: await addingOptions(service, { adminId: actor.adminId, name: actor.name, email }),
      name: deviceInWords(ctx.get('user-agent')), first: (await passkeyStore(service.db).listOf(actor.adminId)).length === 0,
    })
    consolePage(ctx, { title: 'Add a passkey', current: 'account', body, scripts: ['passkey.js'] })
  })
  router.post(path, fresh(service, path), async ctx => {
    const { actor } = sessionOf(ctx)
    const form = await readForm(ctx)
    const name = form.get('name').slice(0, 60) || 'passkey'
    const { passkey, settle } = await verifyNewPasskey(service, actor.adminId, name, form.get('credential'))
    const codes = await change(service, actor, async (tx, record, now) => {
      await settle(tx, now)
      await passkeyStore(tx).add(passkey)
      await record('passkey.add', `admin:${actor.adminId}`, { name })
      return await recoveryCodeStore(tx).left(actor.adminId) > 0 ? undefined : await replaceCodes(tx, actor.adminId, now)
    })
    await renewSession(ctx, service)
    if (codes === undefined) seeOther(ctx, accountPath)
    else await tellAt(ctx, service, codesPath, { codes, heading: 'The passkey is added' })
  })
  router.post(`${path}/end`, fresh(service, accountPath), async ctx => {
    const { actor } = sessionOf(ctx)
    const id = (await readForm(ctx)).get('id')
    await change(service, actor, async (tx, record, now) => {
      const name = await passkeyStore(tx).end(Buffer.from(id, 'base64url'), actor.adminId, now)
      if (name === undefined) throw new CaError('not-found', 'you have no such passkey')
      await record('passkey.end', `admin:${actor.adminId}`, { name })
    })
    await renewSession(ctx, service)
    seeOther(ctx, accountPath)
  })
}

async function replaceCodes(tx: Queryable, adminId: string, now: Date): Promise<string[]> {
  const codes = newRecoveryCodes()
  await recoveryCodeStore(tx).replace(adminId, codes.map(recoveryCodeSha256), now)
  return codes
}

const codesPath = '/console/account/codes/made'

function codeRoutes(router: Router, service: Service): void {
  const path = '/console/account/codes'
  router.get(path, fresh(service, path), async ctx => {
    const left = await recoveryCodeStore(service.db).left(sessionOf(ctx).actor.adminId)
    consolePage(ctx, { title: 'Recovery codes', current: 'account', body: newCodesPage(ctx, left) })
  })
  router.post(path, fresh(service, path), async ctx => {
    const { actor } = sessionOf(ctx)
    await readForm(ctx)
    const codes = await change(service, actor, async (tx, record, now) => {
      await record('recovery-codes.replace', `admin:${actor.adminId}`)
      return await replaceCodes(tx, actor.adminId, now)
    })
    await renewSession(ctx, service)
    await tellAt(ctx, service, codesPath, { codes, heading: 'Ten new recovery codes' })
  })
  router.get(`${codesPath}/:shown`, async ctx => {
    const made = await told<{ codes: string[], heading: string }>(ctx, service, 'account', accountPath)
    if (made !== undefined) consolePage(ctx, { title: 'Recovery codes', current: 'account', body: codesPage(made.codes, made.heading) })
  })
}

function passwordRoutes(router: Router, service: Service): void {
  const path = '/console/account/password'
  const title = 'A new password'
  router.get(path, fresh(service, path), ctx => consolePage(ctx, { title, current: 'account', body: passwordPage(ctx) }))
  router.post(path, fresh(service, path), async ctx => {
    const { actor, email, sessionId } = sessionOf(ctx)
    const form = await readForm(ctx)
    const password = form.raw('password')
    const weak = passwordProblem(password, [actor.name, email])
    const errors = weak !== undefined ? { password: weak } : password !== form.raw('again') ? { again: 'The two are not the same.' } : undefined
    if (errors !== undefined) return consolePage(ctx, { title, current: 'account', body: passwordPage(ctx, errors as Record<string, string>), status: 400 })
    const hash = await hashPassword(password)
    await change(service, actor, async (tx, record, now) => {
      await passwordStore(tx).set(actor.adminId, hash, now)
      await sessionStore(tx).endAll(actor.adminId, now, sessionId)
      await record('password.set', `admin:${actor.adminId}`)
    })
    await renewSession(ctx, service)
    seeOther(ctx, accountPath)
  })
}
