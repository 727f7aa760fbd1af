import Router from '@koa/router'
import { CaError } from '../../errors.ts'
import { readOpenForm, seeOther, type Form } from '../../http/form.ts'
import { hashPassword, passwordProblem } from '../../http/password.ts'
import type { Service } from '../../http/service.ts'
import { beginSession } from '../../http/session.ts'
import { consumeSetupLink, findSetupLink } from '../../http/setup-link.ts'
import { email, personName } from '../../protocols/api/fields.ts'
import type { Admin } from '../../store/access.ts'
import { openPage } from '../layout.ts'
import { setupOverPage, setupPage } from './pages.ts'

const maxFormBytes = 16 * 1024

/** The link answers with a form, and only sending the form consumes it. */
export function setupRouter(service: Service): Router {
  const router = new Router()
  router.get('/setup', async ctx => {
    const token = typeof ctx.query['token'] === 'string' ? ctx.query['token'] : ''
    const link = await findSetupLink(service, token)
    openPage(ctx, link === undefined ? setupOverPage : setupPage({ token, person: link.admin }))
  })
  router.post('/setup', async ctx => {
    const form = await readOpenForm(ctx, maxFormBytes)
    const token = form.get('token')
    const link = await findSetupLink(service, token)
    if (link === undefined) return openPage(ctx, setupOverPage)
    const errors = mistakesIn(form, link.admin)
    const answer = (found: Record<string, string>, status: number): void =>
      openPage(ctx, setupPage({ token, name: form.get('name'), email: form.get('email'), person: link.admin, errors: found, status }))
    if (Object.keys(errors).length > 0) return answer(errors, 400)
    try {
      const person = { name: form.get('name'), email: form.get('email'), passwordHash: await hashPassword(form.raw('password')) }
      await consumeSetupLink(service, token, person, async (tx, admin, now) => { await beginSession(ctx, service, tx, admin.id, 'setup-link', now) })
    } catch (error) {
      if (!(error instanceof CaError)) throw error
      if (error.code === 'setup-link-invalid') return openPage(ctx, setupOverPage)
      if (error.code === 'conflict') return answer({ email: 'There is an admin with this address.' }, 409)
      throw error
    }
    seeOther(ctx, '/console/account/passkey')
  })
  return router
}

function mistakesIn(form: Form, known: Admin | undefined): Record<string, string> {
  const errors: Record<string, string> = {}
  if (known === undefined) {
    if (!personName.safeParse(form.get('name')).success) errors['name'] = 'Type your name, in at most 64 characters.'
    if (!email.safeParse(form.get('email')).success) errors['email'] = 'Type an address like ada@example.com.'
  }
  const password = form.raw('password')
  const weak = passwordProblem(password, known === undefined ? [form.get('name'), form.get('email')] : [known.name, known.email])
  if (weak !== undefined) errors['password'] = weak
  else if (password !== form.raw('again')) errors['again'] = 'The two are not the same.'
  return errors
}
