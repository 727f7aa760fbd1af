import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { CaError } from '../errors.ts'
import { sameOrigin } from '../http/form.ts'
import type { Problem } from '../http/problem.ts'
import type { Service } from '../http/service.ts'
import { signedIn } from '../http/session.ts'
import { accountRouter } from './account/router.ts'
import { assetRouter } from './assets.ts'
import { refusalPage } from './refusal-page.ts'
import { sections } from './sections.ts'
import { setupRouter } from './sign-in/setup-router.ts'
import { signInRouter } from './sign-in/router.ts'
import { authorityRouter } from './authority/router.ts'
import { certificatesRouter } from './certificates/router.ts'
import { importRouter } from './import/router.ts'
import { inventoryRouter } from './inventory/router.ts'
import { frontEndsRouter } from './front-ends/router.ts'
import { invitationsRouter } from './invitations/router.ts'
import { modelsRouter } from './models/router.ts'
import { peopleRouter } from './people/router.ts'
import { phonesRouter } from './phones/router.ts'
import { policyRouter } from './policy/router.ts'
import { quarantineRouter } from './quarantine/router.ts'
import { recordsRouter } from './records/router.ts'
import { templatesRouter } from './templates/router.ts'
import { todayRouter } from './today/router.ts'
import { wordsRouter } from './words-router.ts'

/** Everything for people who administer. The areas are behind the session; the order of the rest does not matter. */
export function consoleRouter(service: Service): Router {
  const areas: Router[] = [
    invitationsRouter(service),
    modelsRouter(service),
    policyRouter(service),
    importRouter(service),
    peopleRouter(service),
    inventoryRouter(service),
    phonesRouter(service),
    certificatesRouter(service),
    quarantineRouter(service),
    frontEndsRouter(service),
    authorityRouter(service),
    recordsRouter(service),
    accountRouter(service),
    templatesRouter(service),
    todayRouter(service),
    wordsRouter(),
  ]
  const router = new Router()
  router.get('/', ctx => { ctx.redirect('/console') })
  router.use(assetRouter().routes())
  for (const open of [setupRouter(service), signInRouter(service)]) router.use(inPages, sameOrigin(service), open.routes())
  router.use('/console', inPages, sameOrigin(service), signedIn(service))
  for (const area of areas) router.use(area.routes())
  if (!sections.some(section => section.path === '/console')) router.get('/console', ctx => { ctx.redirect(sections[0]?.path ?? '/console/account') })
  router.all(['/console', '/console/{*rest}'], () => { throw new CaError('not-found', 'there is no page at this address') })
  return router
}

/** What is refused from here on is said on a page; it is logged where all refusals are. */
const inPages: Middleware = async (ctx, next) => {
  ctx.state['answerRefusal'] = (status: number, problem: Problem) => refusalPage(ctx as Context, status, problem)
  await next()
}
