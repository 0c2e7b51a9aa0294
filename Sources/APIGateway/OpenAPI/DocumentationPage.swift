/// `/docs`: one page without anything from outside, which reads `/openapi.json` and can send requests.
enum DocumentationPage {
    /// The page may talk to us alone, and nobody may frame it.
    static let policy =
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
        + "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

    static let html = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Sandbox API</title>
        <style>\(style)</style>
        </head>
        <body>
        <header><h1>Sandbox API</h1><p id="about"></p>
        <p><a href="/openapi.json">openapi.json</a> <a href="/metrics">metrics</a>
        <a href="/api/v1/health/detailed">health</a></p></header>
        <main id="main"><p>Loading…</p></main>
        <script>\(script)</script>
        </body>
        </html>
        """

    private static let style = """
        :root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#2a7}
        body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}
        h1{margin:0}h2{margin:2rem 0 .5rem;font-size:1.2rem}header a{margin-right:1rem}
        details{border:1px solid var(--line);border-radius:6px;margin:.4rem 0;background:var(--soft)}
        summary{cursor:pointer;padding:.5rem .7rem;font-family:ui-monospace,monospace}
        summary b{display:inline-block;min-width:4.5rem}summary span{font-family:system-ui,sans-serif;opacity:.75}
        .body{padding:.2rem .9rem .9rem}table{border-collapse:collapse;width:100%;margin:.3rem 0 .8rem}
        td,th{border-bottom:1px solid var(--line);padding:.25rem .5rem .25rem 0;text-align:left;vertical-align:top}
        code,pre,textarea,input{font:13px/1.45 ui-monospace,monospace}
        pre{background:var(--soft);border:1px solid var(--line);padding:.6rem;overflow:auto;max-height:24rem}
        textarea{width:100%;min-height:7rem;box-sizing:border-box}input{min-width:14rem}
        button{background:var(--accent);color:#fff;border:0;border-radius:4px;padding:.4rem 1.1rem;cursor:pointer}
        label{display:block;margin:.3rem 0}label span{display:inline-block;min-width:9rem}
        """

    private static let script = #"""
        'use strict';
        const make=(tag,text,cls)=>{const e=document.createElement(tag);if(text!==undefined)e.textContent=text;if(cls)e.className=cls;return e};
        let doc;
        const resolve=s=>s&&s.$ref?doc.components.schemas[s.$ref.split('/').pop()]:s||{};
        const kind=s=>{if(!s)return'';if(s.$ref)return s.$ref.split('/').pop();if(s.anyOf)return s.anyOf.map(kind).join(' or ');
        if(s.type==='array')return'['+kind(s.items)+']';return s.enum?s.enum.join(' | '):s.type||'anything'};
        const limits=s=>{const p=[];const r=(a,b,w)=>{if(a!==undefined||b!==undefined)p.push((a??'')+'…'+(b??'')+w)};
        r(s.minimum,s.maximum,'');r(s.minLength,s.maxLength,' characters');r(s.minItems,s.maxItems,' items');
        if(s.default!==undefined)p.push('default '+JSON.stringify(s.default));return p.join(', ')};
        const fields=schema=>{const s=resolve(schema);if(!s.properties)return null;const t=make('table');
        for(const[n,f]of Object.entries(s.properties)){const row=make('tr');const name=make('td');name.append(make('code',n+((s.required||[]).includes(n)?' *':'')));
        row.append(name,make('td',kind(f)),make('td',[limits(f),f.description].filter(Boolean).join('. ')));t.append(row)}return t};
        const sample=(schema,depth=0)=>{const s=resolve(schema);if(depth>3)return null;if(s.default!==undefined)return s.default;if(s.enum)return s.enum[0];
        if(s.properties){const o={};for(const n of s.required||[])o[n]=sample(s.properties[n],depth+1);return o}
        return{string:'',integer:s.minimum??0,number:s.minimum??0,boolean:false,array:[],object:{}}[s.type]??null};
        const examples={CreateTemplate:{id:'my-template',name:'My template',image_url:'sandbox-template-python-basic:latest',runtime_type:'python3.11'},
        CreateSession:{template_id:'python-basic'},Execute:{code:'def handler(event):\n    return {"sum": event["a"] + event["b"]}',language:'python',event:{a:1,b:2}}};
        const form=(path,method,op)=>{const f=make('div');const inputs=[];
        for(const p of op.parameters||[]){const l=make('label');l.append(make('span',p.name+(p.required?' *':'')));const i=make('input');i.placeholder=p.description||'';l.append(i);f.append(l);inputs.push([p,i])}
        let area;const content=op.requestBody&&op.requestBody.content;
        if(content&&content['application/json']){const s=content['application/json'].schema;area=make('textarea');
        area.value=JSON.stringify(examples[kind(s)]||sample(s),null,2);f.append(area)}
        let file;if(content&&content['multipart/form-data']){file=make('input');file.type='file';f.append(file)}
        const send=make('button','Send');const out=make('pre');out.hidden=true;f.append(send,out);
        send.onclick=async()=>{let url=path;const q=new URLSearchParams();
        for(const[p,i]of inputs){if(p.in==='path')url=url.replace('{'+p.name+'}',p.name==='path'?i.value.split('/').map(encodeURIComponent).join('/'):encodeURIComponent(i.value));
        else if(i.value!=='')q.set(p.name,i.value)}
        if(q.size)url+='?'+q;const init={method:method.toUpperCase()};
        if(area){init.body=area.value;init.headers={'Content-Type':'application/json'}}
        if(file&&file.files[0]){init.body=new FormData();init.body.append('file',file.files[0])}
        out.hidden=false;out.textContent='…';const start=performance.now();
        try{const r=await fetch(url,init);let text=await r.text();try{text=JSON.stringify(JSON.parse(text),null,2)}catch{}
        out.textContent=init.method+' '+url+'\n'+r.status+' '+r.statusText+'  ('+(performance.now()-start).toFixed(1)+' ms)\n\n'+text}
        catch(e){out.textContent=String(e)}};return f};
        const show=(path,method,op)=>{const d=make('details');const s=make('summary');s.append(make('b',method.toUpperCase()),path+'  ',make('span',op.summary));d.append(s);
        const b=make('div',undefined,'body');d.append(b);let built=false;d.ontoggle=()=>{if(built)return;built=true;
        if(op.description)b.append(make('p',op.description));
        const content=op.requestBody&&op.requestBody.content;if(content){const[type,c]=Object.entries(content)[0];b.append(make('h4','Request: '+type));const t=fields(c.schema);if(t)b.append(t)}
        b.append(make('h4','Answers'));const t=make('table');
        for(const[code,r]of Object.entries(op.responses||{})){const row=make('tr');const c=r.content&&Object.values(r.content)[0];row.append(make('td',code),make('td',r.description),make('td',c?kind(c.schema):''));t.append(row)}
        b.append(t,make('h4','Try it'),form(path,method,op))};return d};
        fetch('/openapi.json').then(r=>r.json()).then(d=>{doc=d;document.getElementById('about').textContent=d.info.description+' Version '+d.info.version+'.';
        const main=document.getElementById('main');main.textContent='';const groups=new Map();
        for(const[path,ops]of Object.entries(d.paths))for(const[method,op]of Object.entries(ops)){const tag=op.tags[0];if(!groups.has(tag))groups.set(tag,[]);groups.get(tag).push(show(path,method,op))}
        for(const[tag,items]of groups){main.append(make('h2',tag),...items)}}).catch(e=>{document.getElementById('main').textContent='The description cannot be read: '+e});
        """#
}
