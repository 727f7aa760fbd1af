/** Stylesheet, scripts and icon, served under names that change with their content, so that browsers may keep them for good. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import Router from '@koa/router'
import type { Context } from 'koa'
import { html, type Markup } from './html.ts'

const types: Readonly<Record<string, string>> = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml', ico: 'image/x-icon' }
type Asset = { path: string, type: string, content: Buffer }

function assetAt(url: URL): [name: string, asset: Asset] {
  const name = url.pathname.split('/').at(-1)!
  const content = readFileSync(url)
  const [stem, extension = ''] = name.split('.')
  const version = createHash('sha256').update(content).digest('hex').slice(0, 12)
  return [name, { path: `/assets/${stem}-${version}.${extension}`, type: types[extension]!, content }]
}

const folder = new URL('./assets/', import.meta.url)
const assets = new Map([new URL('./latchkey.css', import.meta.url), ...readdirSync(folder).map(name => new URL(name, folder))].map(assetAt))

/** @param name  of a file in `src/console/assets/`, or `latchkey.css` */
export function assetPath(name: string): string {
  const asset = assets.get(name)
  if (asset === undefined) throw new TypeError(`there is no asset ${name}`)
  return asset.path
}

/** Stands in the head of every page. */
export const look: Markup = html`<link rel="stylesheet" href="${assetPath('latchkey.css')}"><link rel="icon" href="${assetPath('icon.svg')}" type="image/svg+xml">`

/** Runs when the page is read; a page works without it. */
export const script = (name: string): Markup => html`<script src="${assetPath(name)}" defer></script>`

export function assetRouter(): Router {
  const router = new Router()
  for (const asset of assets.values()) router.get(asset.path, ctx => { send(ctx, asset, 'public, max-age=31536000, immutable') })
  // Browsers ask for it under this name, whatever a page says.
  router.get('/favicon.ico', ctx => { send(ctx, assets.get('icon.ico')!, 'public, max-age=86400') })
  return router
}

function send(ctx: Context, { type, content }: Asset, caching: string): void {
  ctx.set('cache-control', caching)
  ctx.set('x-content-type-options', 'nosniff')
  ctx.type = type
  ctx.body = content
}
