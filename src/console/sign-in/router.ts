import Router from '@koa/router'
import { CaError } from '../../errors.ts'
import { change } from '../../http/change.ts'
import { readForm, readOpenForm, seeOther } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { forgetCookie, safeNext, sessionOf, signedIn } from '../../http/session.ts'
import { signInWithPasskey, signInWithPassword, signInWithRecoveryCode, type SignInOutcome } from '../../http/sign-in.ts'
import { sessionStore } from '../../store/sessions.ts'
import { openPage } from '../layout.ts'
import { secondStepPage, signInPage } from './pages.ts'

const maxFormBytes = 64 * 1024

export function signInRouter(service: Service): Router {
  const router = new Router()
  router.get('/console/sign-in', async ctx => {
    const { next } = ctx.query
    openPage(ctx, await signInPage(service, { next: safeNext(typeof next === 'string' ? next : undefined) }))
  })
  router.post('/console/sign-in', async ctx => {
    const form = await readOpenForm(ctx, maxFormBytes)
    const next = safeNext(form.get('next'))
    const email = form.get('email').slice(0, 254)
    const outcome = await signInWithPassword(ctx, service, { email, password: form.raw('password') })
    if (outcome.kind === 'signed-in') seeOther(ctx, next)
    else if (outcome.kind === 'second-step') openPage(ctx, await secondStepPage(service, { next, ...outcome }))
    else openPage(ctx, await signInPage(service, { next, email, ...refused(outcome, 'E-mail and password do not go together.') }))
  })
  router.post('/console/sign-in/recovery', async ctx => {
    const form = await readOpenForm(ctx, maxFormBytes)
    const next = safeNext(form.get('next'))
    const [adminId, ticket] = [form.get('admin'), form.get('ticket')]
    const outcome = await signInWithRecoveryCode(ctx, service, { adminId, ticket, code: form.get('code') })
    if (outcome.kind === 'signed-in') seeOther(ctx, next)
    else openPage(ctx, await secondStepPage(service, { next, adminId, ticket, ...refused(outcome, 'This is not one of your codes, or it was used before.') }))
  })
  router.post('/console/sign-in/passkey', async ctx => {
    const form = await readOpenForm(ctx, maxFormBytes)
    const next = safeNext(form.get('next'))
    try {
      await signInWithPasskey(ctx, service, form.get('credential'))
      seeOther(ctx, next)
    } catch (error) {
      if (!(error instanceof CaError) || error.code !== 'unauthorized') throw error
      service.log('info', 'sign-in failed', { address: ctx.ip, method: 'passkey' })
      openPage(ctx, await signInPage(service, { next, problem: 'This passkey was not taken. Try once more, or use your password.', status: 401 }))
    }
  })
  router.post('/console/sign-out', signedIn(service), async ctx => {
    await readForm(ctx)
    const { sessionId, actor } = sessionOf(ctx)
    await change(service, actor, async (tx, record, now) => {
      await sessionStore(tx).end(sessionId, actor.adminId, now)
      await record('session.end', `admin:${actor.adminId}`)
    })
    forgetCookie(ctx, service)
    seeOther(ctx, '/console/sign-in')
  })
  return router
}

function refused(outcome: SignInOutcome, wrong: string): { problem: string, status: number } {
  if (outcome.kind === 'wait') return { problem: `Too many tries. Wait ${inWords(outcome.seconds)}, then try again. A passkey works at once.`, status: 429 }
  return { problem: wrong, status: 401 }
}

const inWords = (seconds: number): string => seconds < 90 ? `${seconds} ${seconds === 1 ? 'second' : 'seconds'}` : `${Math.ceil(seconds / 60)} minutes`
