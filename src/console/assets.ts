/** Small scripts, served under a name that changes with their content, so that browsers may keep them for good. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import Router from '@koa/router'
import { html, type Markup } from './html.ts'
import { sendStylesheet, stylesheetPath } from './page.ts'

const folder = new URL('./assets/', import.meta.url)
const assets = new Map(readdirSync(folder).filter(name => name.endsWith('.js')).map(name => {
  const content = readFileSync(new URL(name, folder))
  const version = createHash('sha256').update(content).digest('hex').slice(0, 12)
  return [name, { path: `/assets/${name.slice(0, -3)}-${version}.js`, content }]
}))

/** @param name  of a file in `src/console/assets/` */
export function assetPath(name: string): string {
  const asset = assets.get(name)
  if (asset === undefined) throw new TypeError(`there is no script ${name}`)
  return asset.path
}

/** Runs when the page is read; a page works without it. */
export const script = (name: string): Markup => html`<script src="${assetPath(name)}" defer></script>`

export function assetRouter(): Router {
  const router = new Router()
  router.get(stylesheetPath, sendStylesheet)
  for (const { path, content } of assets.values()) {
    router.get(path, ctx => {
      ctx.set('cache-control', 'public, max-age=31536000, immutable')
      ctx.set('x-content-type-options', 'nosniff')
      ctx.type = 'text/javascript'
      ctx.body = content
    })
  }
  return router
}
