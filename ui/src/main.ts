import { mount } from "svelte";
import "uplot/dist/uPlot.min.css";
import "./app.css";
import App from "./App.svelte";

const host = document.getElementById("app");
if (host) mount(App, { target: host });
