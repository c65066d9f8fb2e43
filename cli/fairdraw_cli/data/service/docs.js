// Shows the operations of openapi.json. Nothing is loaded from elsewhere, and no text is ever parsed as HTML.

/** The page's own words. */
const WORDS = {
  zh: {
    other: 'English', roles: '角色', nobody: '无需令牌', parameters: '参数', body: '请求内容', answers: '答复',
    example: '示例', schema: '结构', required: '必需', failed: '无法读取接口说明：',
  },
  en: {
    other: '中文', roles: 'roles', nobody: 'no token needed', parameters: 'Parameters', body: 'Body', answers: 'Answers',
    example: 'Example', schema: 'Schema', required: 'required', failed: 'the description cannot be read: ',
  },
};

/** Make an element with children: elements, or text. */
function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** A table of rows of cells. */
function table(rows) {
  const cells = (row) => row.map((cell) => element('td', {}, cell));
  return element('table', {}, element('tbody', {}, ...rows.map((row) => element('tr', {}, ...cells(row)))));
}

/** All that a schema refers to, each once, so that an operation can be read on its own. */
function schemasOf(api, value, found = new Map()) {
  if (value === null || typeof value !== 'object') return found;
  const name = typeof value.$ref === 'string' ? value.$ref.split('/').pop() : undefined;
  if (name !== undefined && !found.has(name)) {
    found.set(name, api.components.schemas[name]);
    schemasOf(api, api.components.schemas[name], found);
  }
  for (const inner of Object.values(value)) schemasOf(api, inner, found);
  return found;
}

function bodyOf(api, body, words) {
  const parts = [element('h3', {}, words.body)];
  for (const [media, told] of Object.entries(body.content)) {
    parts.push(element('p', {}, element('code', {}, media)));
    if (told.example !== undefined) {
      parts.push(element('p', {}, words.example), element('pre', { tabIndex: 0 }, JSON.stringify(told.example, null, 2)));
    }
    const schemas = schemasOf(api, told.schema);
    if (schemas.size > 0) {
      const text = JSON.stringify(Object.fromEntries(schemas), null, 2);
      const inside = element('div', { className: 'inside' }, element('pre', { tabIndex: 0 }, text));
      parts.push(element('details', {}, element('summary', {}, words.schema), inside));
    }
  }
  return parts;
}

function operationOf(api, path, method, operation, words) {
  const roles = operation.security.flatMap((one) => one.token ?? []);
  const inside = element('div', { className: 'inside' });
  inside.append(element('p', {}, `${words.roles}: ${roles.join(', ') || words.nobody} · `, element('code', {}, operation.operationId)));
  if (operation.parameters.length > 0) {
    inside.append(element('h3', {}, words.parameters));
    inside.append(table(operation.parameters.map((one) => [
      element('code', {}, one.name), one.required ? words.required : '', one.description,
      element('code', {}, one.schema.pattern ?? (one.schema.enum ?? []).join('|')),
    ])));
  }
  if (operation.requestBody !== undefined) inside.append(...bodyOf(api, operation.requestBody, words));
  inside.append(element('h3', {}, words.answers));
  inside.append(table(Object.entries(operation.responses).map(([status, told]) => [element('code', {}, status), told.description])));
  const head = element('summary', {}, element('span', { className: 'method' }, method.toUpperCase()),
    element('code', {}, path), element('span', {}, operation.summary));
  return element('details', { id: operation.operationId }, head, inside);
}

async function show(lang) {
  const words = WORDS[lang];
  const other = document.getElementById('other');
  const main = document.getElementById('operations');
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';
  Object.assign(other, { textContent: words.other, lang: lang === 'zh' ? 'en' : 'zh-CN' });
  other.onclick = () => show(lang === 'zh' ? 'en' : 'zh');
  try {
    const answer = await fetch(`openapi.json?lang=${lang}`);
    const api = await answer.json();
    document.title = api.info.title;
    document.getElementById('title').textContent = api.info.title;
    document.getElementById('summary').textContent = api.info.summary;
    const groups = new Map();
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const group = groups.get(operation.tags[0]) ?? [];
        groups.set(operation.tags[0], [...group, operationOf(api, path, method, operation, words)]);
      }
    }
    main.replaceChildren(...[...groups].map(([name, parts]) => element('section', {}, element('h2', {}, name), ...parts)));
    const named = document.getElementById(location.hash.slice(1));
    if (named instanceof HTMLDetailsElement) {
      named.open = true;
      named.scrollIntoView();
    }
  } catch (error) {
    main.replaceChildren(element('p', {}, words.failed + String(error)));
  }
}

show(navigator.language.startsWith('zh') ? 'zh' : 'en');
