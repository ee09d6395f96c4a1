// The explorer's page in a frame of a notebook: the host's half of the talk that explorer.js begins.
function render({ model, el }) {
  const frame = document.createElement("iframe");
  frame.title = "Explorer of face embeddings";
  frame.style.cssText = "width:100%;height:1500px;border:1px solid #8888";
  // JupyterLab's theme, not the system's, decides whether the page is dark.
  const followTheme = () => {
    const light = document.body.dataset.jpThemeLight;
    if (light !== undefined) frame.style.colorScheme = light === "false" ? "dark" : "light";
  };
  const themes = new MutationObserver(followTheme);
  themes.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  followTheme();
  frame.srcdoc = model.get("page");

  const tell = () => frame.contentWindow?.postMessage({ select: model.get("selected") }, "*");
  const hear = ({ source, data }) => {
    if (source !== frame.contentWindow) return;
    if (data.ready) tell();
    if (data.selected && String(data.selected) !== String(model.get("selected"))) {
      model.set("selected", data.selected);
      model.save_changes();
    }
  };
  addEventListener("message", hear);
  model.on("change:selected", tell);
  el.append(frame);
  return () => {
    themes.disconnect();
    removeEventListener("message", hear);
    model.off("change:selected", tell);
  };
}

export default { render };
